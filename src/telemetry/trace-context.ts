/**
 * W3C Trace Context, level 1: the `traceparent` of a request, read strictly and written. Pure.
 * https://www.w3.org/TR/trace-context/#traceparent-header
 */
export type TraceContext = {
  /** 32 and 16 lower-case hexadecimal digits, not all zero. */
  traceId: string
  spanId: string
  /** Whoever called has recorded it, or may have. */
  isSampled: boolean
}

const whole = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/

/** @returns null for what is none: then a trace begins anew */
export function readTraceparent(text: string): TraceContext | null {
  const [, version, traceId, spanId, flags, more] = whole.exec(text) ?? []
  if (traceId === undefined || spanId === undefined || version === 'ff') return null
  // A later version may say more; this one may not.
  if (version === '00' && more !== undefined) return null
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null
  return { traceId, spanId, isSampled: (Number.parseInt(flags!, 16) & 1) === 1 }
}

export function traceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
}
