/** For tests only: a small receiver of our own, which takes OTLP/HTTP with JSON as strictly as the specification has it. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Received = {
  resource: Record<string, string>
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: Record<string, unknown>
  status: { code?: number; message?: string }
}

type KeyValue = {
  key: string
  value: { stringValue?: string; intValue?: string; doubleValue?: number; boolValue?: boolean }
}

/** @param answers statuses of the first answers; then 200 */
export async function otlpReceiver({ answers = [] as number[], retryAfter = '0' } = {}) {
  const spans: Received[] = []
  const wrong: string[] = []
  const headers: Record<string, unknown>[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (piece) => (body += String(piece)))
    request.on('end', () => {
      headers.push(request.headers)
      const status = answers.shift() ?? 200
      if (status === 200) take(`${request.method} ${request.url}`, request.headers, body)
      response
        .writeHead(status, { 'content-type': 'application/json', 'retry-after': retryAfter })
        .end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    headers,
    /** What was not as the specification has it. */
    wrong,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }

  function take(at: string, asked: Record<string, unknown>, body: string): void {
    try {
      assert.equal(at, 'POST /v1/traces')
      assert.equal(asked['content-type'], 'application/json')
      for (const { resource, scopeSpans } of JSON.parse(body).resourceSpans)
        for (const { scope, spans: all } of scopeSpans) {
          assert.equal(scope.name, 'beryl')
          for (const span of all) spans.push(spanIn(span, resource.attributes))
        }
    } catch (error) {
      wrong.push((error as Error).message)
    }
  }
}

function spanIn(span: Received & { attributes: KeyValue[] }, resource: KeyValue[]): Received {
  assert.match(span.traceId, /^[\da-f]{32}$/)
  assert.match(span.spanId, /^[\da-f]{16}$/)
  if (span.parentSpanId !== undefined) assert.match(span.parentSpanId, /^[\da-f]{16}$/)
  for (const time of [span.startTimeUnixNano, span.endTimeUnixNano]) {
    assert.equal(typeof time, 'string')
    assert.match(time, /^\d{19}$/)
  }
  assert.ok(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano))
  assert.ok([1, 2].includes(span.kind), `kind ${span.kind}`)
  return {
    ...span,
    attributes: valuesIn(span.attributes),
    resource: valuesIn(resource) as Record<string, string>,
  }
}

function valuesIn(all: KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(
    all.map(({ key, value }) => {
      const [[kind, one] = []] = Object.entries(value)
      if (kind === 'intValue') assert.equal(typeof one, 'string', key)
      return [key, kind === 'intValue' ? Number(one) : one]
    }),
  )
}
