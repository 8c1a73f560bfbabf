/** Does a server that was asked for its version name the one that is expected? Pure. */
import { jsonPath } from './json-path.ts'

const shownMax = 60

/**
 * Null where it does, else what it says instead.
 *
 * @param named `answer`: where in a JSON answer, a path that may name several; without it, all of the body, trimmed
 */
export function notNamed(
  body: string,
  { path, answer, is }: { path: string; answer?: string; is: string },
): string | null {
  const said = answer === undefined ? [body.trim()] : valuesAt(body, answer)
  if (said === null) return `GET ${path} answers no JSON, expected ${is} at ${answer}`
  if (said.includes(is)) return null
  const what = said.length === 0 ? `nothing at ${answer}` : said.join(', ').slice(0, shownMax)
  return `GET ${path} answers ${what === '' ? 'nothing' : what}, expected ${is}: it serves something else`
}

/** Numbers count as their digits: `{"version": 2}` names version 2. */
function valuesAt(body: string, answer: string): string[] | null {
  let whole: unknown
  try {
    whole = JSON.parse(body)
  } catch {
    return null
  }
  return [jsonPath(answer)(whole)]
    .flat()
    .filter((value) => typeof value === 'string' || typeof value === 'number')
    .map(String)
}
