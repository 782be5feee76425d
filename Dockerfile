# The pages are built with all dependencies; the server runs with its own only.

FROM node:24.21.0-slim AS build
WORKDIR /holdfast
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM node:24.21.0-slim
WORKDIR /holdfast
ENV NODE_ENV=production HOLDFAST_HOST=0.0.0.0 HOLDFAST_DATA=/data HOLDFAST_WEB=/holdfast/dist/web
COPY package.json package-lock.json ./
# TypeScript is an optional peer of one of them.
RUN npm ci --omit=dev --omit=optional && npm cache clean --force && mkdir /data && chown node /data
COPY types ./types
COPY ops ./ops
COPY server ./server
COPY --from=build /holdfast/dist/web ./dist/web
USER node
EXPOSE 7007
VOLUME /data
# Without a shell in between, so that the server itself is told to stop.
# Room for what lives briefly: less of the time goes to collecting it.
CMD ["node", "--min-semi-space-size=16", "server/main.ts"]
