/**
 * What controller and examiner say to each other: HTTP + JSON over a Unix socket in the data directory.
 * A gate run is keyed by release, gate and attempt; asking for one that runs already changes nothing.
 */
import type { CopyRules } from '../ipc/copyable.ts'
import type { ProtocolName } from '../protocols/protocols.ts'
import type { Renames } from '../protocols/renamed.ts'
import type { Peer } from '../tls/peer.ts'
import type { Verdict } from '../release/release.ts'
import type { RedactRules } from './capture/redact.ts'
import type { Comparison } from './compare/comparison.ts'

/** Replica addresses, e.g. `127.0.0.1:41233`. */
export type Target = {
  version: string
  environment: string
  addresses: readonly string[]
  /** How they are spoken to. */
  reach?: Reach | undefined
  /** What the other version is asked for by name, and by which name this one is; absent where they go by the same. */
  renames?: Renames | undefined
}

export type Reach = {
  /** Absent: HTTP/1.1. */
  speaks?: 'http2' | 'grpc' | undefined
  /** How they prove who they are; absent: nothing is encrypted. */
  tls?: Peer | undefined
}

/** How requests and answers are read. */
export type Protocol = ProtocolName

export type GateSpec =
  | {
      kind: 'warmUp'
      protocol: Protocol
      withinS: number
      until: 'stable'
      request: RequestShape | null
      /** Golden set to draw bodies from, when there is one. */
      file: string | null
      /** Requests that clients sent come first, where enough are recorded; null: none of those. */
      captured: CapturedRules | null
      concurrency: number
    }
  | {
      kind: 'goldenSet'
      protocol: Protocol
      file: string
      /** SHA-256 of the file when the release began: a file that changed in between is not what was asked for. */
      digest: string
      request: RequestShape
      /** JSON path (RFC 9535) of the answer's value; null compares the whole body (`openai`: the text that was written). */
      answer: string | null
      score: Score
      /** Of the mean score; null with `perplexity`. */
      atLeast: number | null
      /** Of the perplexity; null with any other score. */
      atMost: number | null
      /** Points of the mean score; with `perplexity` the share by which it may be higher. */
      noWorseBy: number | null
      /** What the version was accepted with; reproduced within its sampling error (95 %). */
      expects: number | null
      /** In the request: which slice a line is of that names none. Null: by its expected label. */
      slice: string | null
      perSlice: PerSlice | null
      withinS: number
      concurrency: number
    }
  | {
      kind: 'identity'
      request: RequestShape
      /** Of a POST, as JSON; absent: none. */
      body?: unknown
      /** JSON path; null: the whole body. Where it reads a list, one of it. */
      answer: string | null
      is: string
      withinS: number
    }
  | {
      kind: 'load'
      protocol: Protocol
      /** `peak`: what live was asked a second at its peak of the last 24 hours; null where that is not known. */
      rate: { perSecond: number } | { ofPeak: number; peak: number | null }
      forS: number
      /** After it has held: how much more? Null: not asked. */
      ramp: { toPerSecond: number; stepS: number } | null
      p95Ms: number
      /** Of streams, 95 %; null: no limit. */
      firstTokenMs: number | null
      /** Share of the requests. */
      errors: number
      request: RequestShape | null
      /** Golden set to draw bodies from, when there is one. */
      file: string | null
      captured: CapturedRules | null
      withinS: number
    }
  | {
      kind: 'prometheus'
      /** Of the server; `/api/v1/query` is added. */
      url: string
      headers: Readonly<Record<string, string>>
      /** {version}, {environment} and {service} are filled in. */
      query: string
      atMost: number | null
      atLeast: number | null
      /** A share of live's figure. With `atLeast` more is better, else less. */
      noWorseBy: number | null
      /** It must hold for so long. */
      forS: number
      withinS: number
    }
  | {
      kind: 'webhook'
      url: string
      headers: Readonly<Record<string, string>>
      withinS: number
    }
  | {
      kind: 'command'
      /** Program and arguments. */
      run: readonly string[]
      env: Readonly<Record<string, string>>
      directory: string
      withinS: number
    }
  | (PairRules & {
      kind: 'shadow'
      /** Of the live exchanges that may be copied, between 0 and 1. */
      share: number
      /** Pairs, before it passes. */
      atLeast: number
      withinS: number
    })
  | (PairRules & {
      kind: 'replay'
      /** The newest ones that were recorded. */
      requests: number
      /** Times as fast as they came; null: as fast as they are taken. */
      speed: number | null
      headers: Readonly<Record<string, string>>
      /** What may be sent a second time. */
      copy: CopyRules
      withinS: number
    })
  | {
      kind: 'compatibility'
      protocol: Comparison['protocol']
      /** The newest ones that were recorded. */
      requests: number
      /** JSON Schema of the answers; null: what recorded ones had in common. */
      schema: unknown
      /** Fields that nobody reads. */
      ignore: readonly string[]
      headers: Readonly<Record<string, string>>
      copy: CopyRules
      redact: RedactRules
      timeoutS: number
      concurrency: number
      withinS: number
    }

/** Who says how alike two texts are. `url` is the base of an API like OpenAI's, `/v1` included. */
export type Likeness = {
  url: string
  model: string
  headers: Readonly<Record<string, string>>
  timeoutS: number
} & ({ kind: 'embedding' } | { kind: 'judge'; rubric: string })

/** How answers to the same request are held against each other. */
export type PairRules = {
  how: Comparison
  /** Absent or null: words and their order say it. */
  likeness?: Likeness | null | undefined
  noWorseBy: number
  /** JSON path into the request; null for none. */
  slice: string | null
  /** That a version which is no worse fails; that one which is worse passes. However often it is looked at. */
  risk: { fail: number; pass: number }
  /** Of the inputs: live is asked once more. */
  liveAgain: number
  /** Of answers and requests, before they are compared and shown. */
  redact: RedactRules
  timeoutS: number
  concurrency: number
}

/** Each slice is judged by itself. */
export type PerSlice = {
  atLeast: number | null
  noWorseBy: number | null
  /** A slice of fewer lines is an example, not a finding. */
  lines: number
}

/** Which recorded requests a gate may send, and how. */
export type CapturedRules = {
  copy: CopyRules
  /** In place of those that were taken out. */
  headers: Readonly<Record<string, string>>
  /** Nothing else will do. */
  only: boolean
}

export type RequestShape = {
  method: 'GET' | 'POST' | 'PUT'
  path: string
  headers: Readonly<Record<string, string>>
  timeoutS: number
}

export type Score =
  | { kind: 'exact' }
  | { kind: 'oneOf' }
  | { kind: 'numeric'; tolerance: number }
  | { kind: 'jsonFields'; fields: readonly string[] }
  | { kind: 'regex' }
  /** `micro` and `macro`: of labels, over the whole set, and no mean of scores. `tokens`: of the words of each answer. */
  | { kind: 'f1'; average: 'micro' | 'macro' | 'tokens' }
  /** Character n-grams against a reference text. */
  | { kind: 'chrf' }
  /** The answer is as a JSON Schema has it. */
  | { kind: 'jsonSchema'; schema: unknown }
  /** Another model grades answers. `url` is the base of an API like OpenAI's, `/v1` included. */
  | {
      kind: 'judge'
      url: string
      model: string
      rubric: string
      headers: Readonly<Record<string, string>>
      timeoutS: number
    }
  /** A user's program: a line of JSON in, a line of JSON out. */
  | {
      kind: 'command'
      run: readonly string[]
      env: Readonly<Record<string, string>>
      directory: string
      timeoutS: number
    }
  /** How probable the model finds the expected text after the prompt. Lower is better, and it is no mean of scores. */
  | { kind: 'perplexity' }
  /** Of all runs of four words, the share that did not occur before in the same answer. */
  | { kind: 'noRepeats' }
  /** The answer is whole and not empty, and ended as answers do. */
  | { kind: 'valid' }
  /** A user's ES module: `export default (answer, expected, line) => number between 0 and 1 | boolean`. */
  | { kind: 'module'; file: string }

/** `PUT /gates/{release}/{gate}/{attempt}` */
export type GateRun = { service: string; spec: GateSpec; candidate: Target; live: Target | null }

/** What a gate of the user's is told about what it judges. */
export type About = { service: string; release: string; gate: string; attempt: string }

/** `GET /gates/{release}/{gate}/{attempt}`; 404 where the examiner does not know it (it was restarted). */
export type GateAnswer = { state: 'running'; progress: string } | ({ state: 'decided' } & Verdict)
