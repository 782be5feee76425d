/** The bundler gives a style sheet as text (server/bundle.ts). */
declare module '*.css' {
  const text: string
  export default text
}
declare module 'quill-cursors/css' {
  const text: string
  export default text
}
