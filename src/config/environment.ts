/** `environment:` of the manifest: what Beryl starts as processes, or what runs already and is somebody else's. */
import { z } from 'zod'
import { duration, pause, size, upstreamUrl } from './units.ts'
import { sleep } from './sleep.ts'
import { env, named, path } from './words.ts'

export const currency = z
  .string('expected a currency such as USD: an amount without one means nothing')
  .regex(/^[A-Z]{3}$/, 'expected a currency such as USD')

/** How a replica is looked at, whoever started it. */
const looks = {
  /** What its replicas speak, without TLS; `protocol: grpc` says http2 by itself. */
  upstream: z.enum(['http1', 'http2']).optional(),
  /** With `protocol: grpc` the path is a method that takes an empty message; without one, grpc.health.v1. */
  ready: z
    .strictObject({
      path: path.default('/'),
      within: duration.default(600),
      /** Which model `/v1/models` must list before a replica is ready (protocol openai); placeholders as in `command`. */
      model: named.optional(),
      /** What `GET path` must answer before a replica is ready: is it this version? */
      version: z
        .strictObject({
          path,
          /** Where in a JSON answer; without it, all of the answer. */
          answer: z.string().startsWith('$', 'expected a JSON path such as $.version').optional(),
          is: named.default('{version}'),
        })
        .optional(),
    })
    .prefault({}),
  alive: z
    .strictObject({
      path: path.optional(),
      every: pause.default(5),
      timeout: pause.default(2),
      failures: z.int().min(1).max(100).default(3),
    })
    .prefault({}),
  sleep: sleep.optional(),
  price: z
    .strictObject({
      replicaHour: z.number().min(0),
      /** Of a replica that sleeps; left out: the same, for what it holds is still reserved. */
      asleepHour: z.number().min(0).optional(),
      /** Of a replica on spot capacity (`spot`). */
      spotReplicaHour: z.number().min(0).optional(),
      currency,
    })
    .optional(),
}

const ofRoles = {
  /** A candidate is tested there; before its switch it gets on-demand replicas. */
  candidate: z.boolean().default(false),
  /** What is live may be there, too. */
  live: z.boolean().default(false),
}

/** How a replica is started on capacity that may be taken away; what is left out is as on demand. */
const spotOfProcesses = z.strictObject({
  ...ofRoles,
  /** In place of the environment's, with the same placeholders. */
  command: z.tuple([named], z.string()).optional(),
  /** Beside the environment's. */
  env: env.default({}),
  gpus: z.int().min(0).max(64).optional(),
  memory: size.optional(),
  /** Of its program, when its capacity was taken away; ends by SIGTERM, SIGINT, SIGHUP or SIGKILL, and with 0, are that in any case. */
  exitCodes: z.array(z.int().min(1).max(255)).max(50).default([]),
  /** After so many losses in a row others stand in for it, and it is asked for every `retry` only. */
  tries: z.int().min(1).max(100).default(3),
  retry: pause.default(600),
  /** Run beside each replica: exit code 0 says that it is going to be taken away. */
  notice: z
    .strictObject({
      run: z.tuple([named], z.string()),
      every: pause.default(5),
      within: pause.default(2),
    })
    .optional(),
})

/** Replicas that Beryl starts as processes of its machine. */
const ofProcesses = z.strictObject({
  provider: z.literal('process'),
  /** Placeholders: {port}, {version}, and each file key of the version: {model}, {prompt}, {tokenizer}, {config}. */
  command: z.tuple([named], z.string()),
  env: env.default({}),
  /** Relative to the manifest. */
  directory: named.default('.'),
  replicas: z.int().min(1).max(100).default(1),
  gpus: z.int().min(0).max(64).default(0),
  /** Of the machine's, for each replica: to see beforehand whether two environments fit. */
  memory: size.optional(),
  spot: spotOfProcesses.optional(),
  ...looks,
  stop: z.strictObject({ grace: pause.default(10) }).prefault({}),
})

const place = z.array(upstreamUrl).min(1).max(100)

/** Replicas that run already and are somebody else's: Beryl looks at them and routes, and never starts or stops one. */
const ofOthers = z.strictObject({
  provider: z.literal('external'),
  blue: place,
  green: place,
  /** Of https addresses: who vouches for their certificates, and the name in them. */
  tls: z.strictObject({ ca: named.optional(), serverName: named.optional() }).optional(),
  /** Which of the addresses are on capacity that may be taken away. */
  spot: z.strictObject({ addresses: place, live: ofRoles.live }).optional(),
  ...looks,
})

export const environment = z.discriminatedUnion('provider', [ofProcesses, ofOthers])
