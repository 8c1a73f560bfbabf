/** Who is sent spans. A part of the manifest's schema. */
import { z } from 'zod'
import { headerName } from './traffic.ts'
import { share } from './units.ts'

export const telemetry = z.strictObject({
  /** `/v1/traces` is added to it. */
  otlp: z
    .string()
    .regex(
      /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/,
      'expected http://… or https://…, such as http://127.0.0.1:4318, without user, password and query',
    )
    .refine((text) => URL.canParse(text), 'expected an address, such as http://127.0.0.1:4318'),
  /** Of the requests that nobody traces yet; what its caller records is recorded here, too. */
  share: share.default(0.01),
  /** Sent along, such as a key of the receiver. */
  headers: z
    .record(
      headerName,
      z.string().regex(/^[\t\x20-\x7e]*$/, 'expected the value of a header, in one line of ASCII'),
    )
    .default({}),
})
