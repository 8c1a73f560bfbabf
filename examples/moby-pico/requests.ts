/** What clients may ask, in the shapes of OpenAI's API: `/v1/completions` and `/v1/chat/completions`. */

export type Request = {
  kind: 'completion' | 'chat'
  text: string
  most: number
  temperature: number
  seed: number
  stream: boolean
  usageInStream: boolean
  /** The prompt is part of the answer. */
  echo: boolean
  logProbabilities: boolean
  stops: string[]
}

/** Answered with its status and OpenAI's error object. */
export class Refused extends Error {
  override name = 'Refused'
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

type Body = Record<string, unknown>

const stopsMax = 4

/** @param names the model names that this server goes by @throws Refused */
export function readRequest(
  kind: Request['kind'],
  text: string,
  names: readonly string[],
): Request {
  const body = objectIn(text)
  const model = body['model'] ?? names[0]
  if (typeof model !== 'string' || !names.includes(model))
    throw new Refused(
      404,
      'model_not_found',
      `no model ${JSON.stringify(model)} here; there is ${names.join(', ')}`,
    )
  if (body['n'] !== undefined && body['n'] !== 1) throw bad('n', '1: one answer a request')
  return {
    kind,
    text: kind === 'chat' ? lastMessage(body) : promptOf(body),
    most: whole(
      body,
      kind === 'chat' ? 'max_completion_tokens' : 'max_tokens',
      whole(body, 'max_tokens', 16),
    ),
    temperature: number(body, 'temperature', 1, 2),
    seed: whole(body, 'seed', Math.floor(Math.random() * 2 ** 32)),
    stream: flag(body, 'stream'),
    usageInStream: flag((body['stream_options'] ?? {}) as Body, 'include_usage'),
    echo: kind === 'completion' && flag(body, 'echo'),
    logProbabilities:
      kind === 'chat' ? flag(body, 'logprobs') : (body['logprobs'] ?? null) !== null,
    stops: stopsOf(body),
  }
}

function objectIn(text: string): Body {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw new Refused(400, 'invalid_request_error', 'the body is not JSON')
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refused(400, 'invalid_request_error', 'the body must be a JSON object')
  return body as Body
}

function promptOf(body: Body): string {
  const given = body['prompt']
  const prompt: unknown = Array.isArray(given) && given.length === 1 ? given[0] : given
  if (typeof prompt !== 'string' || prompt === '') throw bad('prompt', 'a text that is not empty')
  return prompt
}

/** This model knows no conversation: it goes on from the last message. */
function lastMessage({ messages }: Body): string {
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined
  const content =
    typeof last === 'object' && last !== null && 'content' in last ? last.content : undefined
  if (typeof content !== 'string' || content === '')
    throw bad('messages', 'a list whose last message has a "content" that is not empty')
  return content
}

function stopsOf({ stop }: Body): string[] {
  const stops: unknown[] = stop === undefined || stop === null ? [] : [stop].flat()
  if (stops.length > stopsMax || stops.some((one) => typeof one !== 'string' || one === ''))
    throw bad('stop', `a text or up to ${stopsMax} of them`)
  return stops as string[]
}

function number(body: Body, name: string, otherwise: number, most: number): number {
  const value = body[name] ?? otherwise
  if (typeof value !== 'number' || !(value >= 0 && value <= most))
    throw bad(name, `a number from 0 to ${most}`)
  return value
}

function whole(body: Body, name: string, otherwise: number): number {
  const value = body[name] ?? otherwise
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw bad(name, 'a whole number, 0 or more')
  return value as number
}

function flag(body: Body, name: string): boolean {
  const value = body[name] ?? false
  if (typeof value !== 'boolean') throw bad(name, 'true or false')
  return value
}

function bad(name: string, expected: string): Refused {
  return new Refused(400, 'invalid_request_error', `"${name}": expected ${expected}`)
}
