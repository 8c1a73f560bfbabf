/** For tests only: exchanges as the gateway taps them. */
import type { Tapped } from '../../ipc/exchanges.ts'

export type Told = {
  service?: string
  target?: string
  method?: string
  headers?: Readonly<Record<string, string>>
  body?: string | Buffer
  status?: number
  answerHeaders?: Readonly<Record<string, string>>
  answer?: string | Buffer
  pieces?: readonly number[]
  point?: number
  at?: number
  version?: string
}

let count = 0

export function tappedOf({
  service = 'tiny',
  target = '/predict',
  method = 'POST',
  headers = { 'content-type': 'application/json' },
  body = '',
  status = 200,
  answerHeaders = { 'content-type': 'application/json' },
  answer = '',
  pieces,
  point = 0,
  at = Date.now(),
  version = 'v1',
}: Told): Tapped {
  const answered = Buffer.from(answer)
  return {
    service,
    environment: 'blue',
    version,
    release: `r-${version}`,
    requestId: `id-${++count}`,
    point,
    at,
    method,
    target,
    lines: linesOf(headers),
    status,
    answerLines: linesOf(answerHeaders),
    firstByteMs: 5,
    totalMs: 10,
    pieces: pieces ?? (answered.length === 0 ? [] : [10, answered.length]),
    request: Buffer.from(body),
    answer: answered,
  }
}

function linesOf(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
}
