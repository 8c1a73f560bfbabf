/** `beryl.yaml`: one schema, from which come the types, `beryl schema` and every message of `beryl validate`. */
import { z } from 'zod'
import { currency, environment } from './environment.ts'
import { gate } from './gate-schemas.ts'
import { notification, receiverOf } from './notifications.ts'
import { requests } from './requests.ts'
import { signalSections } from './signals.ts'
import { telemetry } from './telemetry.ts'
import { capture, headerName } from './traffic.ts'
import { record } from './record.ts'
import { pool } from './pools.ts'
import { address, duration, share, size } from './units.ts'
import { window } from './windows.ts'
import { env, named, prefix, wait } from './words.ts'

const name = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/,
    'expected a name of lower-case letters, digits and dashes, at most 40',
  )
  // Commands take a service or a release: `r7` must be one of them.
  .regex(/^(?!r\d+$)/, 'expected another name: r and a number names a release')
export const versionName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'expected a name of letters, digits, dots, dashes and underscores, at most 64',
  )
const host = z
  .string()
  .regex(
    /^([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/,
    'expected a host name such as chat.example.com, without scheme and port',
  )
/** Keys of a version that name a file or a directory; each is a placeholder too. */
export const fileKeys = ['model', 'prompt', 'tokenizer', 'config'] as const

export const version = z.strictObject({
  model: named.optional(),
  prompt: named.optional(),
  tokenizer: named.optional(),
  config: named.optional(),
  /** Appended to the environment's command. */
  args: z.array(z.string()).default([]),
  env: env.default({}),
  /** What it scored when it was accepted: gate or score name → score between 0 and 1, or perplexity. */
  expects: z.record(z.string(), z.number().min(0)).default({}),
  notes: z.string().optional(),
  /** Where it comes from, for people. */
  source: z.strictObject({ commit: named.optional(), run: named.optional() }).optional(),
})

/** What a client is known by, who then stays with the version that answered it. */
const sticky = z.union([
  z.strictObject({ by: z.enum(['header', 'cookie']), name: headerName }),
  z.strictObject({ by: z.literal('address') }),
])

/** Less than all of it, and not so little that it is none. */
const part = share.refine(
  (value) => value >= 0.001 && value < 1,
  'expected a part of the traffic, from 0.1% to below 100%',
)

const traffic = z.union([
  z.literal('allAtOnce'),
  z.strictObject({
    canary: z
      .array(part)
      .min(1)
      .max(20)
      .refine(
        (all) => all.every((one, at) => at === 0 || one > all[at - 1]!),
        'expected each share to be larger than the one before',
      ),
    every: wait.default(600),
    sticky: sticky.optional(),
  }),
  z.strictObject({
    linear: part.refine((value) => value >= 0.02 && value <= 0.5, 'expected a step from 2% to 50%'),
    every: wait.default(300),
    sticky: sticky.optional(),
  }),
])

/** How the old version is kept, and for how long; then the next one, then it is gone. */
const rung = z.union([
  z.strictObject({ full: duration }),
  z.strictObject({ replicas: z.int().min(1).max(100), for: duration }),
  z.strictObject({ asleep: duration }),
  /** None of its own: its model stands in a pool (`pools`), called `model` there; {version} is filled in. */
  z.strictObject({ shared: duration, pool: named, model: named }),
])

function heightOf(one: z.output<typeof rung>): number {
  if ('shared' in one) return -1
  if ('asleep' in one) return 0
  return 'full' in one ? Infinity : one.replicas
}

const ladder = z
  .array(rung)
  .max(20)
  .refine(
    (rungs) => rungs.every((one, at) => at === 0 || heightOf(one) < heightOf(rungs[at - 1]!)),
    'expected a ladder that goes down: full first, then fewer and fewer replicas, then asleep, then shared',
  )
const usual: z.output<typeof rung>[] = [{ full: 1800 }]

const money = z.number('expected an amount such as 25').min(0.01)

const asWritten = z.strictObject({
  route: z.strictObject({ host: host.optional(), path: prefix.default('/') }).prefault({}),
  protocol: z.enum(['http', 'json', 'grpc', 'openai', 'kserve-v2']).default('http'),
  requests: requests.prefault({}),
  capture: capture.optional(),
  environment,
  versions: z
    .record(versionName, version)
    .refine((all) => Object.keys(all).length > 0, 'expected at least one version'),
  /** Of versions that the manifest does not name: what is in use, or has an alias, stays in any case. */
  retention: z
    .strictObject({
      /** So many registered versions, those used last. */
      atMost: z.int().min(1).max(10_000).optional(),
      /** Since one was last used. */
      keep: wait.optional(),
    })
    .refine(
      ({ atMost, keep }) => atMost !== undefined || keep !== undefined,
      'expected atMost, keep, or both',
    )
    .optional(),
  verify: z.array(gate).default([]),
  switch: z
    .strictObject({
      /** Left out: `verified` for what Beryl starts, `approved` for what it does not. */
      when: z.enum(['verified', 'approved']).optional(),
      traffic: traffic.default('allAtOnce'),
      /** Traffic moves forward in these only; left out: at any time. A way back never waits. */
      windows: z.array(window).min(1, 'expected at least one window').max(50).optional(),
      drain: duration.default(600),
      /** Older evidence of a gate is taken again before the switch. */
      evidenceFor: wait.default(86_400),
      /** An older approval is void. */
      approvalFor: wait.default(86_400),
      /** A candidate that waits so long for a person is given up. */
      expires: duration.default(86_400),
    })
    .prefault({}),
  watch: z
    .strictObject({
      atLeast: duration.default(600),
      atMost: duration.default(7200),
      /** What may roll a version back. */
      signals: z.array(z.string()).min(1).default(['errors', 'latency']),
      /** What a watch needs evidence for before it ends. */
      required: z.array(z.string()).min(1).default(['errors']),
      /** The old version is asked what the new one is asked, and the two answers are compared. */
      control: z.enum(['auto', 'off']).default('off'),
      whenUndecided: z.enum(['hold', 'accept', 'rollBack']).default('hold'),
      falseRollbackRisk: share.default(0.01),
      badPromotionRisk: share.default(0.05),
      errors: z
        .strictObject({
          /** Points above the old version's share of errors that nobody minds. */
          tolerance: share.default(0.002),
          /** Points above it at which a version is still called no worse. */
          margin: share.default(0.01),
          /** With no old version to compare with: the share that is acceptable. */
          atMost: share.default(0.03),
          /** For planning: how many points worse must be found. */
          minimumEffect: share.default(0.04),
        })
        .prefault({}),
      ...signalSections,
    })
    .prefault({}),
  /** The ladder; or a mapping, where the standby is on spot capacity (`environment.spot`) once its watch is over. */
  standby: z
    .union([
      ladder,
      z.strictObject({ spot: z.boolean().default(false), ladder: ladder.default(usual) }),
    ])
    .default(usual),
  /** The way back of the standby is tried out when it has stepped down, and then as often. */
  drill: z
    .strictObject({ every: duration.refine((value) => value >= 1, 'expected at least 1s') })
    .optional(),
  /** Of what blue-green adds to a single environment. */
  budget: z
    .strictObject({
      release: money.optional(),
      month: money.optional(),
      currency,
    })
    .refine(
      ({ release: one, month }) => one !== undefined || month !== undefined,
      'expected release, month, or both',
    )
    .optional(),
})

/** What stands behind somebody else's addresses is not known: a person consents, unless the manifest does (rulings §14). */
const service = asWritten.transform((one) => {
  const {
    environment: { provider },
    switch: given,
    standby,
  } = one
  const when = given.when ?? (provider === 'external' ? 'approved' : 'verified')
  const kept = Array.isArray(standby)
    ? { standby, standbyOnSpot: false, ladderAt: ['standby'] }
    : { standby: standby.ladder, standbyOnSpot: standby.spot, ladderAt: ['standby', 'ladder'] }
  return { ...one, ...kept, switch: { ...given, when } }
})

const tls = z.strictObject({ cert: named, key: named })

export const manifest = z.strictObject({
  apiVersion: z.literal('beryl/v1'),
  gateway: z
    .strictObject({
      listen: address.default({ host: '127.0.0.1', port: 8080 }),
      preview: address.optional(),
      workers: z.int().min(1).max(64).default(2),
      headers: z.enum(['full', 'id']).optional(),
      /** A sample of the requests as JSON lines; the file stands in the data directory where it is relative. */
      accessLog: z
        .strictObject({
          file: z.string().min(1).default('access.log'),
          share: share.default(1),
          maxBytes: size.default(64 * 1024 * 1024),
          keep: z.int().min(1).max(1000).default(5),
        })
        .optional(),
      /** PEM files, relative to the manifest: with them clients are served over TLS only. Of several, each answers to the names it was made for. */
      tls: z.union([tls.transform((one) => [one]), z.array(tls).min(1).max(100)]).optional(),
    })
    .prefault({}),
  api: z
    .strictObject({
      listen: address.default({ host: '127.0.0.1', port: 8090 }),
      /** Where people reach the dashboard: links in notifications lead there. Left out: where it listens. */
      url: z
        .string()
        .regex(
          /^https?:\/\/[^\s/?#@]+\/?$/,
          'expected an address such as https://beryl.example.com',
        )
        .refine(
          (text) => URL.canParse(text),
          'expected an address such as https://beryl.example.com',
        )
        .transform((text) => text.replace(/\/$/, ''))
        .optional(),
      /** PEM files, relative to the manifest: with them API and dashboard are served over TLS only. */
      tls: tls.optional(),
    })
    .prefault({}),
  /** Servers that run already, load models and unload them (KServe V2 model repository): for standbys on the rung `shared`. */
  pools: z.record(name, pool).default({}),
  /** What its replicas may take together, over all services: a deploy for which there is no room is refused before anything is started. */
  machine: z
    .strictObject({
      /** Left out: what the machine has. */
      memory: size.optional(),
      /** A quota of replicas. */
      replicas: z.int().min(1).max(10_000).optional(),
    })
    .default({}),
  releases: z.strictObject({ atOnce: z.int().min(1).max(1000) }).optional(),
  record,
  /** Spans of requests, releases and gates, by OTLP/HTTP with JSON. */
  telemetry: telemetry.optional(),
  notifications: z
    .array(notification)
    .max(20)
    .refine(
      (all) => new Set(all.map(receiverOf)).size === all.length,
      'expected each address, and each command, once: put what it is told of into one `on`',
    )
    .default([]),
  services: z
    .record(name, service)
    .refine((all) => Object.keys(all).length > 0, 'expected at least one service'),
})

export type Manifest = z.output<typeof manifest>
/** As the file says it. */
export type ManifestText = z.input<typeof manifest>
export type ServiceManifest = Manifest['services'][string]
export type RungManifest = z.output<typeof rung>
export type TrafficManifest = z.output<typeof traffic>
export type EnvironmentManifest = ServiceManifest['environment']
export type ProcessEnvironment = Extract<EnvironmentManifest, { provider: 'process' }>
export type ExternalEnvironment = Extract<EnvironmentManifest, { provider: 'external' }>
export type VersionManifest = ServiceManifest['versions'][string]
/** As it is written: before defaults and `${NAME}`. */
export type VersionText = z.input<typeof version>
export type GateManifest = ServiceManifest['verify'][number]
