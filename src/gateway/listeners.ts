/** Who else hears of a request on its way: its copy, and whoever keeps its bytes. */
import type { Bytes, Lines } from './wire/wire.ts'

/** What a copy needs to hear of its original. None of it may throw, wait or answer. */
export type Copying = {
  body(bytes: Bytes): void
  /** The request is whole. */
  send(): void
  /** Its original has ended; what was not sent by now never is. */
  orphaned(): void
}

/** Who keeps the exchange's bytes for the examiner. None of it may throw, wait or answer. */
export type Tapping = {
  request(bytes: Bytes): void
  head(lines: Lines): void
  answer(bytes: Bytes): void
  /** What came behind the body; said before the end, where anything did. */
  trailers(lines: Lines): void
}
