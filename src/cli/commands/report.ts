/** `beryl report`: one release, everything that is on record of it; as JSON, or as a page that stands by itself. */
import { writeFileSync } from 'node:fs'
import { apiClient, reach } from '../../api/client.ts'
import { reportHtml } from '../../api/report-html.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'
import { explainText } from './explain.ts'

export async function report(
  globals: Globals,
  id: string,
  { html }: { html?: string },
): Promise<number> {
  const { release, events } = await apiClient(reach(globals)).report(id)
  const all = { release, events }
  if (html === undefined) {
    say(globals.json, all, explainText(all))
    return exitCodes.done
  }
  try {
    writeFileSync(html, reportHtml(all), { mode: 0o600 })
  } catch (cause) {
    throw new ProblemError(
      {
        status: 409,
        code: 'cannot-write',
        title: `the report cannot be written to ${html}: ${(cause as Error).message}`,
        hint: 'name another file with --html',
      },
      { cause },
    )
  }
  say(
    globals.json,
    { file: html },
    `${id} is written to ${html}.\nNext: open it in a browser, or print it`,
  )
  return exitCodes.done
}
