/** What a worker recorded of a request, as a span: HTTP by OpenTelemetry's semantic conventions, the rest under `beryl.`. Pure. */
import type { Span } from '../telemetry/otlp.ts'
import type { SpanRecord } from './tracing.ts'

/** What a client may make up is told as one. https://opentelemetry.io/docs/specs/semconv/http/http-spans/ */
const methods: readonly string[] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
]
const failures: readonly string[] = ['error-status', 'connect-failed', 'cut', 'deadline', 'void']

export function spanOf(record: SpanRecord): Span {
  const { traceId, spanId, parentId, at, method, path, route, status, outcome } = record
  const isKnown = methods.includes(method)
  const isFailed = failures.includes(outcome)
  return {
    traceId,
    spanId,
    parentId,
    name: `${isKnown ? method : 'HTTP'} ${route}`,
    kind: 'server',
    from: at,
    to: at + record.totalMs,
    attributes: {
      'http.request.method': isKnown ? method : '_OTHER',
      'http.route': route,
      'url.path': path,
      'url.scheme': record.secure ? 'https' : 'http',
      ...(status === 0 ? {} : { 'http.response.status_code': status }),
      ...(isFailed ? { 'error.type': status >= 500 ? String(status) : outcome } : {}),
      'beryl.service': record.service,
      'beryl.environment': record.environment,
      'beryl.version': record.version,
      'beryl.release': record.release,
      'beryl.replica': record.replica,
      'beryl.request_id': record.requestId,
      'beryl.outcome': outcome,
      'beryl.first_byte_ms': record.firstByteMs,
      'beryl.tries': record.tries,
    },
    failed: isFailed ? outcome : null,
  }
}
