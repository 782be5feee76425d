/** `npm start`: one server as a process. */

import { fail } from './report.ts'
import { serve } from './serve.ts'
import { helpText, readSettings } from './settings.ts'

if (process.argv.includes('--help')) console.log(helpText())
else {
  try {
    console.log(await serve(readSettings(process.env)))
  } catch (error) {
    fail(error)
  }
}
