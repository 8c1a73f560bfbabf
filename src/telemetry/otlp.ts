/**
 * Spans as an ExportTraceServiceRequest of OTLP/JSON: ids as hexadecimal digits, enums as numbers, 64-bit integers as strings,
 * names in lowerCamelCase. Pure. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export type Span = {
  traceId: string
  spanId: string
  /** Null: it begins its trace. */
  parentId: string | null
  name: string
  kind: 'server' | 'internal'
  /** Wall times, ms. */
  from: number
  to: number
  attributes: Readonly<Record<string, Value>>
  /** Why it is an error; null: it is none. */
  failed: string | null
}

type Value = string | number | boolean

export type Resource = Readonly<Record<string, Value>>

const kinds = { internal: 1, server: 2 }
const statusError = 2

export function exportRequest(spans: readonly Span[], resource: Resource, version: string) {
  return {
    resourceSpans: [
      {
        resource: { attributes: keyValues(resource) },
        scopeSpans: [{ scope: { name: 'beryl', version }, spans: spans.map(spanOf) }],
      },
    ],
  }
}

function spanOf({ traceId, spanId, parentId, name, kind, from, to, attributes, failed }: Span) {
  return {
    traceId,
    spanId,
    ...(parentId === null ? {} : { parentSpanId: parentId }),
    name,
    kind: kinds[kind],
    startTimeUnixNano: nanoseconds(from),
    // A clock may be set back meanwhile.
    endTimeUnixNano: nanoseconds(Math.max(from, to)),
    attributes: keyValues(attributes),
    status: failed === null ? {} : { code: statusError, message: failed },
  }
}

function keyValues(all: Readonly<Record<string, Value>>) {
  return Object.entries(all).map(([key, value]) => ({ key, value: anyValue(value) }))
}

function anyValue(value: Value) {
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'string') return { stringValue: value }
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

/** To the microsecond: as a number of nanoseconds it would not be exact. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1000)}000`
}
