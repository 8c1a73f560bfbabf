/** Does a model server answer? One request, one connection, one time limit. */
import { get } from 'node:http'

/** @returns null when it answered 2xx, else why not */
export function probe({
  host,
  port,
  path,
  timeoutMs,
}: {
  host: string
  port: number
  path: string
  timeoutMs: number
}): Promise<string | null> {
  return new Promise((resolve) => {
    const request = get(
      {
        host,
        port,
        path,
        agent: false,
        timeout: timeoutMs,
        headers: { connection: 'close', 'user-agent': 'beryl-probe' },
      },
      (response) => {
        response.resume()
        const status = response.statusCode ?? 0
        resolve(status >= 200 && status < 300 ? null : `GET ${path} answers ${status}`)
      },
    )
    // The socket's own limit is on silence; a server that drips bytes would hold it for ever.
    const limit = setTimeout(
      () => request.destroy(new Error(`no answer in ${timeoutMs} ms`)),
      timeoutMs,
    )
    request.on('error', (error) => resolve(`GET ${path}: ${error.message}`))
    request.on('close', () => clearTimeout(limit))
  })
}
