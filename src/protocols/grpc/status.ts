/** How a call of gRPC ended, in its own words and in HTTP's. https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */

type Status = readonly [name: string, http: number]

/** Failures of the server are 5xx here and in the gateway (`failureSaid`); the others are what was asked wrongly, or an answer. */
const statuses: Readonly<Record<string, Status>> = {
  0: ['OK', 200],
  1: ['CANCELLED', 499],
  2: ['UNKNOWN', 500],
  3: ['INVALID_ARGUMENT', 400],
  4: ['DEADLINE_EXCEEDED', 504],
  5: ['NOT_FOUND', 404],
  6: ['ALREADY_EXISTS', 409],
  7: ['PERMISSION_DENIED', 403],
  8: ['RESOURCE_EXHAUSTED', 503],
  9: ['FAILED_PRECONDITION', 400],
  10: ['ABORTED', 409],
  11: ['OUT_OF_RANGE', 400],
  12: ['UNIMPLEMENTED', 501],
  13: ['INTERNAL', 500],
  14: ['UNAVAILABLE', 503],
  15: ['DATA_LOSS', 500],
  16: ['UNAUTHENTICATED', 401],
}

/** @param message as it came, percent-encoded @returns the HTTP status that says the same, and how to say it */
export function statusOf(
  code: string,
  message: string | undefined,
): { status: number; says: string } {
  const [name, status] = statuses[code] ?? ['no status that there is', 500]
  const words = message === undefined || message === '' ? '' : `: ${unescaped(message)}`
  return { status, says: `grpc-status ${code} (${name})${words}` }
}

function unescaped(message: string): string {
  try {
    return decodeURIComponent(message)
  } catch {
    return message
  }
}
