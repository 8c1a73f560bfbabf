/** Durations (`30s`), shares (`10%`) and addresses (`127.0.0.1:8080`), as the manifest writes them. */
import { z } from 'zod'

/** Longer than any release lives; more is a slip of the keyboard. */
const longestS = 366 * 86400
/** What waits on a timer of Node: above 24 days that fires at once, and far below 10 ms it never rests. */
const pauseS = { atLeast: 0.01, atMost: 3600 } as const

const seconds = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 } as const

const anyDuration = z
  .string('expected a duration such as 30s, 10m or 24h')
  .regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'expected a duration such as 30s, 10m or 24h')
  .transform((text) => {
    const [, amount, unit] = /^([\d.]+)(\w+)$/.exec(text)!
    return Number(amount) * seconds[unit as keyof typeof seconds]
  })

/** `500ms`, `30s`, `10m`, `24h`, `7d` → seconds. */
export const duration = anyDuration.refine((value) => value <= longestS, 'expected at most 366d')

/** How long something is kept on record: from 1d to 3660d → seconds. */
export const years = anyDuration.refine(
  (value) => value >= seconds.d && value <= 3660 * seconds.d,
  'expected a duration from 1d to 3660d',
)

/** A duration between two looks, or that one answer may take: from 10ms to 1h. */
export const pause = duration.refine(
  (value) => value >= pauseS.atLeast && value <= pauseS.atMost,
  'expected a duration from 10ms to 1h',
)

const bytes = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

/** `512KiB`, `10MiB`, `1GiB` → bytes. */
export const size = z
  .string('expected a size such as 512KiB or 10MiB')
  .regex(/^\d+(\.\d+)?(B|KiB|MiB|GiB)$/, 'expected a size such as 512KiB or 10MiB')
  .transform((text) => {
    const [, amount, unit] = /^([\d.]+)(\w+)$/.exec(text)!
    return Math.floor(Number(amount) * bytes[unit as keyof typeof bytes])
  })

/** `10%` or `0.1` → 0.1 */
export const share = z.union([
  z.number('expected a share such as 10%').min(0).max(1),
  z
    .string('expected a share such as 10%')
    .regex(/^\d+(\.\d+)?%$/, 'expected a share such as 10%')
    .transform((text) => Number(text.slice(0, -1)) / 100)
    .refine((value) => value <= 1, 'expected at most 100%'),
])

/** `http://10.0.0.1:8000`: where somebody's server answers, over TLS with `https`. Port 80, or 443, where none is given. */
export const upstreamUrl = z
  .string('expected a URL such as http://10.0.0.1:8000')
  .regex(
    /^https?:\/\/(\[[0-9a-fA-F:]+\]|[\w.-]+)(:\d{1,5})?\/?$/,
    'expected http(s)://HOST:PORT such as http://10.0.0.1:8000 or https://models.internal:8443: no path (paths stay as clients ask for them), no name and password',
  )
  .transform((text) => {
    const [, scheme, host, port] = /^(https?):\/\/(.+?)(?::(\d+))?\/?$/.exec(text)!
    const isSecure = scheme === 'https'
    return {
      host: host!.replace(/^\[|\]$/g, ''),
      port: Number(port ?? (isSecure ? 443 : 80)),
      // Left out where it says nothing: what is made of addresses stays as it was.
      ...(isSecure ? { secure: true as const } : {}),
    }
  })
  .refine(({ port }) => port > 0 && port < 65536, 'expected a port from 1 to 65535')

/** `50/s`, `3000/m` → requests a second */
export const rate = z
  .string('expected a rate such as 50/s')
  .regex(/^\d+(\.\d+)?\/[sm]$/, 'expected a rate such as 50/s or 3000/m')
  .transform((text) => Number(text.slice(0, -2)) / (text.endsWith('m') ? 60 : 1))
  .refine((value) => value > 0 && value <= 5000, 'expected a rate above 0, at most 5000/s')

/** `50/s`, or `120%` of something. */
export const rateOrShare = z
  .string('expected a rate such as 50/s, or 120% with `of: peak`')
  .regex(/^\d+(\.\d+)?(\/[sm]|%)$/, 'expected a rate such as 50/s, or 120% with `of: peak`')
  .transform((text, context) => {
    const share = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : null
    if (share !== null && share > 0) return { ofPeak: share }
    const read = rate.safeParse(text)
    if (read.success) return { perSecond: read.data }
    context.addIssue(read.error.issues[0]!.message)
    return z.NEVER
  })

/** `127.0.0.1:8080`; port 0 lets the system choose. */
export const address = z
  .string('expected host:port such as 127.0.0.1:8080')
  .regex(/^(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}$/, 'expected host:port such as 127.0.0.1:8080')
  .transform((text) => {
    const colon = text.lastIndexOf(':')
    return {
      host: text.slice(0, colon).replace(/^\[|\]$/g, ''),
      port: Number(text.slice(colon + 1)),
    }
  })
  .refine(({ port }) => port < 65536, 'expected a port below 65536')
