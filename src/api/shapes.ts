/** What the API answers: the same words as the CLI prints and the record keeps. */
import type { Environment, GateState, Now, Phase, Role } from '../release/release.ts'
import type { Command } from '../release/release-can.ts'
import type { Role as TokenRole } from './rights.ts'

export type ServiceView = {
  service: string
  /** Where clients reach it, e.g. `http://127.0.0.1:8080/`. */
  url: string
  /** `none` until a first release is live. */
  live: { environment: Environment; version: string; digest: string; since: number } | null
  /** `rung`: `full`, or how many replicas are kept. */
  standby: { environment: Environment; version: string; rung: string } | null
  generation: number
  environments: Record<Environment, EnvironmentView>
  release: ReleaseView | null
  queued: ReleaseView | null
  versions: readonly { version: string; digest: string | null; notes: string | null }[]
  /** Is there a way back, and how long would it take right now? */
  wayBack: {
    possible: boolean
    because: string
    /** Of the standby; null without one. */
    rung: string | null
    /** To full capacity: the last move, or on a lower rung the last drill. */
    measuredMs: number | null
    /** When the way back was last tried out, or on rung `full` probed; wall ms. */
    drilledAt: number | null
    /** Why that failed; null: it did not. */
    drillFailed: string | null
  }
  /** What holds its traffic back from moving forward, by somebody's word; of everything first. */
  frozen: readonly FreezeView[]
  can: Can & { readonly deploy: string | null }
  problems: readonly string[]
}

/** Whom Beryl tells of what happens, and what they have not taken. Wall times in ms. */
export type NotificationsView = {
  receivers: readonly {
    id: string
    /** Its address without path and query, which may be secret. */
    to: string
    format: 'cloudevents' | 'slack'
    on: readonly string[]
    waiting: number
    /** Of the oldest that waits. */
    since: number | null
    dead: number
    /** Why the last try failed, of what is not taken yet. */
    because: string | null
  }[]
  /** Given up after a day, newest first; at most 100. */
  dead: readonly {
    receiver: string
    event: number
    told: string
    text: string
    tries: number
    since: number
    because: string
  }[]
}

/** `service` null: everything. Wall times in ms; `until` null: until somebody lifts it. */
export type FreezeView = {
  service: string | null
  by: string
  reason: string
  at: number
  until: number | null
}

export type {
  AliasesView,
  DiffView,
  RemovedVersion,
  VersionLine,
  VersionsView,
  VersionView,
} from './version-shapes.ts'

/** Recorded production traffic of a service. */
export type CaptureView = {
  service: string
  /** Null: nothing is recorded now; what is there grows old and goes. */
  settings: { share: number; keepS: number; atMostBytes: number } | null
  records: number
  bytes: number
  /** Wall time, ms. */
  oldest: number | null
  /** Exchanges that were chosen and not kept, since the examiner started, by reason. */
  dropped: Record<string, number>
  /** Of the newest records. */
  newest: readonly { at: number; version: string; requestId: string }[]
}

/** Oldest first; `next` is handed back as `after`. */
export type CapturedPage = {
  records: readonly unknown[]
  /** Lines that were torn or changed on the disk, and are left out. */
  damaged: number
  next: string | null
}

/** How far the record goes back, and how far it may. */
export type RecordView = {
  events: number
  releases: number
  /** Of the database, in use. */
  bytes: number
  /** Wall time of the oldest event, ms; null: there is none. */
  oldest: number | null
  keepS: number
  atMostBytes: number
}

/** What an edited manifest changes: in place, or only said (`--dry-run`). */
export type ApplyView = {
  applied: boolean
  changes: readonly {
    path: string
    from?: unknown
    to?: unknown
    when: 'now' | 'next release' | 'next start' | 'refused'
    because?: string
  }[]
}

/** Requests in flight; `more` were left out, and those of a gateway worker that is busy are missing. */
export type OpenView = {
  open: readonly {
    requestId: string
    environment: Environment
    generation: number
    ageMs: number
    bytesIn: number
    bytesOut: number
    kind: 'request' | 'upgrade'
  }[]
  more: number
}

/** What would be said to each command now, to whoever asks: null = allowed, else the reason. */
export type Can = Readonly<Record<Command, string | null>>

export type EnvironmentView = {
  role: Role
  version: string | null
  /** Replicas that should be here. */
  asked: number
  /** What clients got from the version that is here, since its release began; its own failures in `bad`. */
  answers: { total: number; bad: number }
  replicas: readonly {
    id: string
    state: string
    because: string | null
    address: string
    pid: number | null
    restarts: number
  }[]
  inFlight: number
  /** Of the service's traffic, 0 to 1, as the gateway divides it now. */
  share: number
}

export type ReleaseView = {
  id: string
  service: string
  kind: 'deploy' | 'verify' | 'rollback'
  version: string
  /** The alias its version was asked by, without `@`; null: it was named itself. */
  alias: string | null
  digest: string
  from: string | null
  by: string
  at: number
  phase: Phase['name']
  since: Now
  /** The phases it has entered so far, in order; wall time, ms. */
  phases: readonly { phase: Phase['name']; at: number }[]
  /** Set in every phase that waits. */
  waitingFor: string | null
  /** Set in ends and in clearing. */
  because: string | null
  endsAs: string | null
  /** `because`: Beryl did it itself. */
  paused: { by: string; at: number; because: string | null } | null
  gates: readonly GateState[]
  leftOut: readonly { name: string; because: string }[]
  approvals: readonly { by: string; at: number }[]
  can: Can
  /** The switch, once it has happened: times in ms. */
  switched: { at: number; tookMs: number; generation: number } | null
  /** The rollback, once it has happened. `detectMs`: from the switch to the decision. */
  rolledBack: { at: number; tookMs: number; detectMs: number; by: string; why: string } | null
  watch: {
    decision: string
    because: string
    missing: number | null
    /** Replicas that are replaced because they are worse than their siblings. */
    replace: readonly string[]
    evidence: WatchEvidence
  } | null
  /** What people said of its answers; yes and thumbs up count as 1, labels have no mean. */
  feedback: readonly { kind: FeedbackAsked['kind']; count: number; mean: number | null }[]
  cost: { replicaHours: number; money: number | null; currency: string | null } | null
}

/** What a release of this version would take, before anything is started. */
export type PlanView = {
  service: string
  version: string
  /** The alias it was asked by, without `@`. */
  alias: string | null
  /** What is live now; null: this would be the first. */
  from: string | null
  /** Why it could not begin now, or what it would end; null when nothing is in its way. */
  before: string | null
  /** By name, in order. */
  gates: readonly string[]
  approval: boolean
  /** Traffic would move forward in these only; none: at any time. */
  windows: readonly string[]
  /** What would hold the switch back now, as a release that waits says it. */
  held: string | null
  /** What stands beside what is up now, until the ladder ends. */
  /** `unknown`: what only a person can answer for. */
  capacity: { replicas: number; gpus: number; unknown: string | null }
  /** From the request to the switch: the median of `measured` releases of this service; null before there is one. ms */
  toSwitchMs: number | null
  measured: number
  /** Parts of the traffic before all of it; none: it moves in one step. `everyS`: the least time for each. */
  steps: { shares: readonly number[]; everyS: number }
  watch: { atLeastS: number; atMostS: number; control: boolean }
  standbyS: number
  /** How the old version is kept after the watch, rung by rung. */
  ladder: readonly { rung: string; forS: number }[]
  /** Of the second environment, at least: up to the switch as measured, the shortest watch, the whole ladder. */
  cost: { replicaHours: number; money: number | null; currency: string | null } | null
  /** Null for a first release: there is nothing to compare with. */
  regression: {
    oldRate: number
    newRate: number
    perSecond: number
    /** Infinity is null: never. */
    designs: readonly { design: string; requests: number | null; seconds: number | null }[]
    said: readonly string[]
  } | null
  /** The last move of this service's traffic; null before there was one. ms */
  moveMs: number | null
}

/** One event of `/live`. */
export type LiveView = { /** Wall time, ms. */ at: number; services: readonly ServiceView[] }

/** As the guard says it; shares of what is needed go from 0 to 1. */
export type WatchEvidence = {
  rollbackEvidence: number
  promotionEvidence: number
  strongest: string | null
  falseRollbackRisk: number
  badPromotionRisk: number
  total: number
  bad: number
  gone: number
  void: number
  perSecond: number | null
  setAside: number
  signals: readonly {
    signal: string
    required: boolean
    weight: number
    /** `paired`, `split`, `matched`, `before-after`, `one-sample`, `none` */
    design: string
    comparedWith: string
    said: string
    /** Observations by design. */
    judged: Record<string, number>
    rollbackEvidence: number
    /** Null: by this design it may roll back, never promote. */
    promotionEvidence: number | null
    /** Answers until it is seen, if it is as bad as matters, and until it is cleared; null: never, or unknown. */
    toSee: number | null
    toClear: number | null
    /** Pairs: surely worse by at least this much, whatever was tolerated. */
    worseByAtLeast: number | null
  }[]
  instances: readonly {
    instance: string
    total: number
    bad: number
    evidence: number
    setAside: boolean
  }[]
}

export type FeedbackAsked = {
  /** The answer's `Beryl-Request-Id`. */
  requestId: string
  kind: 'score' | 'thumbs' | 'handoff' | 'label'
  value: unknown
}

/** Who is meant by it: the version that answered. */
export type FeedbackView = {
  service: string
  release: string
  version: string
  kind: FeedbackAsked['kind']
  value: number | boolean | string
  /** It took the place of what was said before of the same request and kind. */
  replaced: boolean
}

export type Event = {
  id: number
  at: number
  /** Empty: about Beryl itself. */
  service: string
  release: string | null
  /** `phase`, `gate`, `replica`, `routing`, `command`, `token`, `alarm` */
  kind: string
  by: string
  /** One sentence. */
  text: string
  data: Record<string, unknown>
}

/** The ledger. Hours are replica-hours; money is null where no release had a price, or two had different currencies. */
export type CostView = {
  service: string
  currency: string | null
  lines: readonly ({
    release: string
    version: string
    environment: Environment
    /** `candidate`: before its switch; `standby`: after it was left. */
    role: 'live' | 'candidate' | 'standby'
  } & SumView)[]
  releases: readonly ({
    release: string
    version: string
    /** Of its own replicas, as are its sums. */
    hours: Record<'live' | 'candidate' | 'standby', number>
    /** For its sake: its candidate, and the version it left as a standby. */
    added: AddedView
  } & SumView)[]
  total: SumView
  added: AddedView
  last30Days: {
    /** Wall time, ms. */
    from: number
    total: SumView
    added: AddedView
  }
  /** Hours of releases whose manifest had no price: no sum of money holds them. */
  unpricedHours: number
  /** While Beryl was not there, from and to in ms: these were up before and not found again after, and are counted nowhere. */
  gaps: readonly { from: number; to: number; replicas: number; replicaHours: number }[]
}

/** What blue-green added. `over`: hours that a single environment would have used meanwhile; `share` of them; null: none. */
export type AddedView = SumView & { over: number; share: number | null }

export type SumView = { replicaHours: number; money: number | null; currency: string | null }

/** Never with the token itself. Times are wall time, ms. */
export type TokenView = {
  /** The actor in the record. */
  name: string
  role: TokenRole
  createdAt: number
  createdBy: string
  /** Null: good until it is revoked. */
  expiresAt: number | null
  isExpired: boolean
  /** The last day it was used, UTC, such as 2026-05-01. */
  usedOn: string | null
}

/** Said once, to whoever made it. */
export type NewTokenView = TokenView & { token: string }
