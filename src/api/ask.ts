/** One request to the API, over http or https, with whom to trust given: what `fetch` has no way to say. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request as plain } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as secure } from 'node:https'
import type { RequestOptions } from 'node:https'
import { checkServerIdentity } from 'node:tls'
import { ProblemError } from '../ipc/problem.ts'

export type Question = {
  method: string
  headers: Record<string, string>
  body?: string | undefined
  /** For all of the answer. */
  withinMs?: number | undefined
  /** A file in PEM: of those who sign, or the very certificate that the API shows. */
  ca?: string | undefined
}

export type Answer = {
  ok: boolean
  status: number
  header(name: string): string | undefined
  body: IncomingMessage
  json(): Promise<unknown>
}

/** @throws what the system says; `AbortSignal.timeout`'s when it takes too long */
export function ask(
  url: string,
  { method, headers, body, withinMs, ca }: Question,
): Promise<Answer> {
  const signal = withinMs === undefined ? undefined : AbortSignal.timeout(withinMs)
  const isSecure = url.startsWith('https:')
  return new Promise((resolve, reject) => {
    const options: RequestOptions = {
      method,
      headers,
      agent: false,
      ...(isSecure ? trusting(ca) : {}),
    }
    if (signal !== undefined) options.signal = signal
    const asked = (isSecure ? secure : plain)(url, options, (response) => {
      const status = response.statusCode ?? 0
      resolve({
        ok: status >= 200 && status < 300,
        status,
        header: (name) => response.headers[name] as string | undefined,
        body: response,
        json: async () => {
          const chunks: Buffer[] = []
          for await (const chunk of response) chunks.push(chunk as Buffer)
          return JSON.parse(Buffer.concat(chunks).toString()) as unknown
        },
      })
    })
    asked.on('error', (error) =>
      reject(signal?.aborted === true ? (signal.reason as Error) : error),
    )
    asked.end(body)
  })
}

/** The certificate of the file itself is trusted under whatever name it is reached; one that it signed, under its own names. */
function trusting(file: string | undefined): RequestOptions {
  if (file === undefined) return {}
  const ca = read(file)
  const own = fingerprintsIn(ca)
  return {
    ca,
    allowPartialTrustChain: true,
    checkServerIdentity: (name, certificate) =>
      own.includes(certificate.fingerprint256) ? undefined : checkServerIdentity(name, certificate),
  }
}

function fingerprintsIn(pem: string): string[] {
  const all = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return all.map((one) => new X509Certificate(one).fingerprint256)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ProblemError(
      {
        status: 400,
        code: 'usage',
        title: `the file of certificates to trust cannot be read: ${(cause as Error).message}`,
        hint: 'give one in PEM with --ca or BERYL_CA',
      },
      { cause },
    )
  }
}
