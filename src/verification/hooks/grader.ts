/** A model behind an API like OpenAI's that grades: one question, one number between 0 and 1, and anything else is its own failure. */
import { isObject, jsonIn } from '../../protocols/protocol.ts'
import { short } from '../examination.ts'
import type { TokenCounter } from '../token-count.ts'
import { callOut, originOf } from './call-out.ts'

/** `url` is the base of an API like OpenAI's, `/v1` included. */
export type ModelAt = {
  url: string
  model: string
  headers: Readonly<Record<string, string>>
  timeoutS: number
}

const shownLength = 160

const form = {
  type: 'object',
  properties: {
    because: { type: 'string' },
    score: { type: 'number', minimum: 0, maximum: 1 },
  },
  required: ['because', 'score'],
  additionalProperties: false,
}

/** `over`: nobody waits for it any more; `tokens`: what it costs. */
export type Asking = { over: AbortSignal; tokens: TokenCounter }

/** @param who for the sentence of an error @throws Error where it gives no grade; the reason of `over` once that is aborted */
export async function gradeOf(
  at: ModelAt,
  {
    instructions,
    question,
    who,
    ...asking
  }: { instructions: string; question: string; who: string } & Asking,
): Promise<number> {
  const answer = await askModel(
    at,
    '/chat/completions',
    {
      model: at.model,
      temperature: 0,
      messages: [
        { role: 'system', content: instructions },
        { role: 'user', content: question },
      ],
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'grade', strict: true, schema: form },
      },
    },
    { who, ...asking },
  )
  const said = contentOf(answer)
  if (said === null)
    throw new Error(`${who} failed: it answers no chat completion (${short(answer, shownLength)})`)
  const grade = gradeIn(said)
  if (grade !== null) return grade
  throw new Error(
    `${who} failed: it must answer {"because": "…", "score": 0 to 1}, and says: ${short(said, shownLength)}`,
  )
}

/** @returns the body of an answer with a 2xx status @throws Error; the reason of `over` once that is aborted */
export async function askModel(
  { url, headers, timeoutS }: ModelAt,
  path: string,
  body: object,
  { who, over, tokens }: { who: string } & Asking,
): Promise<string> {
  const limit = AbortSignal.timeout(timeoutS * 1000)
  const call = {
    method: 'POST' as const,
    url: `${url.replace(/\/$/, '')}${path}`,
    headers,
    body: JSON.stringify(body),
  }
  tokens.sent()
  const answer = await callOut(call, AbortSignal.any([over, limit])).catch((cause: Error) => {
    over.throwIfAborted()
    const what = limit.aborted ? `no answer in ${timeoutS} s` : cause.message
    throw new Error(`${who} failed: ${what}`, { cause })
  })
  if (answer.status >= 200 && answer.status <= 299) {
    tokens.answered(answer.body)
    return answer.body
  }
  throw new Error(`${who} failed: status ${answer.status} (${short(answer.body, shownLength)})`)
}

/** Who it is, for people: without what may be secret in a path or query. */
export function whoIs(what: string, { url }: Pick<ModelAt, 'url'>): string {
  return `the ${what} ${originOf(url)}`
}

function contentOf(body: string): string | null {
  const whole = jsonIn(body)
  const choices = isObject(whole) ? whole['choices'] : null
  const first: unknown = Array.isArray(choices) ? choices[0] : null
  const message = isObject(first) ? first['message'] : null
  const content = isObject(message) ? message['content'] : null
  return typeof content === 'string' ? content : null
}

/** Some models put a fence around all that they say; anything beside the object is prose, and no grade. */
function gradeIn(said: string): number | null {
  const fenced = /^```(?:json)?\s*\n([\s\S]*?)\n?```$/.exec(said.trim())
  const grade = jsonIn(fenced?.[1] ?? said)
  const score = isObject(grade) ? grade['score'] : null
  return typeof score === 'number' && score >= 0 && score <= 1 ? score : null
}
