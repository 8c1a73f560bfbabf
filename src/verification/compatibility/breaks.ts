/** What an answer breaks of what clients rely on. Pure. */
import { bytesOf } from '../capture/captured.ts'
import { headerOf } from '../capture/headers.ts'
import type { Captured } from '../capture/captured.ts'
import type { Answer } from '../compare/comparison.ts'
import { said } from '../compare/read-answer.ts'
import { jsonSchema } from '../json-schema.ts'
import type { CompatibilitySpec } from './compatibility.ts'
import { openRoutes } from './routes.ts'

const learnedShown = 20

/** One way in which an answer is not what clients rely on. */
export type Broken = { field: string; said: string }

/**
 * By the schema, where there is one; else by what the recorded answers had in common, for each route.
 *
 * @throws Error for a schema or path that is none
 */
export function breaksBy(
  { schema, protocol, ignore }: Pick<CompatibilitySpec, 'schema' | 'protocol' | 'ignore'>,
  records: readonly Captured[],
) {
  const check = schema === null ? null : jsonSchema(schema)
  const routes = openRoutes(ignore)
  const readable = (answer: Answer) => said(answer, protocol)
  const recorded = ({ answer }: Captured): Answer => ({
    status: answer.status,
    headers: { 'content-type': headerOf(answer.headers, 'content-type') },
    body: bytesOf(answer.body),
  })
  if (check === null)
    for (const one of records) {
      const read = readable(recorded(one))
      if (read.form === 'json') routes.of(one.request).learn(read.value)
    }

  const breaksOf = (one: Captured, own: Answer): Broken[] => {
    const { status } = own
    if (status < 200 || status > 299)
      return [
        {
          field: 'status',
          said: `live answered it, and it is refused with status ${status}`,
        },
      ]
    const read = readable(own)
    if (check !== null) {
      const wrong = read.form === 'json' ? check(read.value) : 'it is no JSON'
      return wrong === null ? [] : [{ field: 'schema', said: `not as the schema has it: ${wrong}` }]
    }
    const before = readable(recorded(one))
    if (before.form !== 'json') return []
    if (read.form !== 'json') return [{ field: 'body', said: 'the answer is no JSON any more' }]
    return routes
      .of(one.request)
      .breaks(read.value)
      .map(({ field, problem, expected, came }) => ({
        field,
        said:
          problem === 'missing'
            ? `${field} (${expected}) is missing`
            : `${field} is ${came}, and was always ${expected}`,
      }))
  }
  return Object.assign(breaksOf, {
    learned: () => routes.all().slice(0, learnedShown),
    fields: () => routes.all().reduce((sum, { fields }) => sum + fields.length, 0),
  })
}
