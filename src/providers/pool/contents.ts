/**
 * What a pool server says is loaded: `POST /v2/repository/index` of the model repository extension,
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_model_repository.md. Triton lists each version of a
 * model by itself; a server that has no index, or one that cannot be read, is there all the same.
 */
import { requestTo } from '../../probe/request-to.ts'
import { peerTrouble } from '../../tls/peer.ts'
import type { Peer } from '../../tls/peer.ts'
import type { Address } from '../provider.ts'

/** `held`: names that it says are in its memory, or on the way into it or out of it; null: it does not say. */
export type Contents = { trouble: string } | { trouble: null; held: ReadonlySet<string> | null }

const path = '/v2/repository/index'
/** All, not only what is ready: Triton lists a model as UNLOADING after it has answered the call. */
const asked = '{}'
const bodyMaxBytes = 4 * 1024 * 1024

type Asked = Address & { tls?: Peer | undefined; timeoutMs: number; signal: AbortSignal }

export function contentsOf({ timeoutMs, ...at }: Asked): Promise<Contents> {
  return new Promise((resolve) => {
    const headers = {
      'user-agent': 'beryl-probe',
      connection: 'close',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(asked),
    }
    const request = requestTo({ ...at, path, method: 'POST', headers }, (answer) => {
      const status = answer.statusCode ?? 0
      let body = ''
      answer.setEncoding('utf8')
      answer.on('error', () => {})
      answer.on('data', (text: string) => {
        body += text
        if (body.length > bodyMaxBytes)
          request.destroy(new Error(`the index is larger than ${bodyMaxBytes} bytes`))
      })
      answer.on('end', () =>
        resolve(
          status >= 500
            ? { trouble: `POST ${path} answered ${status}` }
            : { trouble: null, held: status === 200 ? namesIn(body) : null },
        ),
      )
    })
    // A socket's own limit is on silence; a server that drips bytes would hold it for ever.
    const limit = setTimeout(
      () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    )
    request.on('error', (error) => resolve({ trouble: `POST ${path}: ${peerTrouble(error)}` }))
    request.on('close', () => clearTimeout(limit))
    request.end(asked)
  })
}

/**
 * One that says a model is READY is not believed for it: what counts is whether the model answers. Triton has no state for what nobody
 * asked for; MLServer says UNKNOWN of what is being loaded.
 */
function namesIn(body: string): ReadonlySet<string> | null {
  let list: unknown
  try {
    list = JSON.parse(body)
  } catch {
    return null
  }
  if (!Array.isArray(list)) return null
  const entries = list as { name?: unknown; state?: unknown }[]
  return new Set(
    entries.flatMap((one) =>
      typeof one?.name === 'string' && typeof one.state === 'string' && one.state !== 'UNAVAILABLE'
        ? [one.name]
        : [],
    ),
  )
}
