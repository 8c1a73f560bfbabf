/**
 * A release: one attempt to make a version live. Pure data; nothing here knows of processes,
 * sockets or tables. Each phase carries only what is true in it.
 *
 * Times: `wall` is milliseconds since 1970 (for the record), `up` is seconds since the machine
 * booted (for waits: it survives a clock that is set, and a restart of Beryl, but not a reboot).
 */
import type { Window } from './windows.ts'

export type Now = { wall: number; up: number }

/** A place, never "old" or "new". */
export type Environment = 'blue' | 'green'

/** What an environment does now. */
export type Role = 'live' | 'candidate' | 'standby' | 'empty'

/** A version together with the template it is started from: what a release is of. */
export type Bundle = {
  version: string
  /** `sha256:<hex>` over the version and the environment template. */
  digest: string
  /** Replicas this bundle was asked to run with. */
  replicas: number
  /** Its template says how replicas are started on spot capacity. `live`: what is live may be on it, too; absent: it knows none. */
  spot?: { live?: true }
}

/** The answer of a gate. Only `pass` opens it. */
export type Verdict = {
  verdict: 'pass' | 'fail' | 'undecided'
  /** One sentence with its numbers: shown as it is by CLI, API and record. */
  because: string
  /** The figures behind the sentence; JSON. */
  evidence: Record<string, unknown>
}

/** What is known of one gate of a release. */
export type GateState =
  | { name: string; state: 'waiting' }
  | { name: string; state: 'running'; attempt: number; since?: Now; progress?: string }
  | ({ name: string; state: 'decided'; attempt: number; at: number } & Verdict)

/** Who did something: a person (token name), `guard`, `schedule` or `beryl`. */
export type Actor = string

/** The part of the manifest that a release is judged by: a snapshot taken when it began. */
export type Rules = {
  gates: readonly Gate[]
  switchWhen: 'verified' | 'approved'
  /** Traffic moves in steps; absent: all at once. */
  traffic?: Traffic
  /** Traffic moves forward in these only; absent: at any time. */
  windows?: readonly Window[]
  /** The way back is tried out again after so long; absent: once on each rung. */
  drillEveryS?: number
  /** A candidate that waits so long for a person is given up; absent: never. */
  expiresS?: number
  /** What nobody but a person can answer for, in one clause; absent: nothing. */
  unknown?: string
  readyWithinS: number
  drainS: number
  /** So long a gate's verdict, and an approval, count. Absent (an older Beryl): a day. */
  evidenceForS?: number
  approvalForS?: number
  watch: { atLeastS: number; atMostS: number; whenUndecided: 'hold' | 'accept' | 'rollBack' }
  /** The standby ladder; after its last rung the standby is gone. */
  standby: readonly Rung[]
  /** Which of what is not live is on spot capacity, where its version knows how; absent: nothing. */
  spot?: { candidate?: true; standby?: true }
  /** Live requests that the standby answers too while the new version is watched, to compare with; absent: none. */
  control?: Control
}

/** One step of the standby ladder, and how long it lasts. */
export type Rung =
  | { rung: 'full'; forS: number }
  /** So many replicas of it are kept ready; a rollback brings the others back. */
  | { rung: 'replicas'; replicas: number; forS: number }
  /** All of them, awake again on demand: their processes stay, their accelerators are free. */
  | { rung: 'asleep'; forS: number }
  /** None of its own: its model stands in a pool of servers that others' standbys use too. */
  | { rung: 'shared'; pool: string; forS: number }

/** Canary or linear: the parts of the traffic that the new version gets before it gets all of it. */
export type Traffic = {
  /** Between 0 and 1, each larger than the one before. */
  shares: readonly number[]
  /** The least time for each, s. */
  everyS: number
  /** What a client is known by, who then stays on its side. Null: a coin is thrown for each request. */
  sticky: Sticky | null
}

export type Sticky = { by: 'header' | 'cookie'; name: string } | { by: 'address' }

/** A copy may have effects: only what the service allows is copied (rulings §15). */
export type Control = {
  /** Of the requests that may be copied, between 0 and 1. */
  share: number
  methods: readonly string[]
  exclude: readonly string[]
}

export type Gate = {
  /** Unique in its release, e.g. `goldenSet-2`. */
  name: string
  kind:
    | 'identity'
    | 'warmUp'
    | 'goldenSet'
    | 'load'
    | 'prometheus'
    | 'webhook'
    | 'command'
    | 'shadow'
    | 'replay'
    | 'compatibility'
  /** Says nothing without a live version to compare with: left out of a first release, by name. */
  needsLive: boolean
  /** Judges answers by a floor of its own; a first release without such a gate waits for approval. */
  absolute: boolean
  /** It runs and reports, and decides nothing. */
  dryRun?: boolean
}

export type Phase =
  | { name: 'queued'; since: Now }
  | { name: 'provisioning'; since: Now }
  | { name: 'warming'; since: Now }
  | { name: 'verifying'; since: Now }
  | { name: 'awaiting-approval'; since: Now }
  | Switching
  | { name: 'watching'; since: Now; generation: number }
  | Stabilizing
  | RollingBack
  | { name: 'clearing'; since: Now; endsAs: End; because: string }
  | { name: End; since: Now; because: string }

export type Stabilizing = {
  name: 'stabilizing'
  since: Now
  /** Which of its rungs; -1: above the first, full, until somebody says `resume`. */
  rung: number
  /** The way back from a lower rung is tried out: the standby is brought to its full size. */
  drill?: { since: Now }
  /** How long that took, the last time; wall ms, seconds since boot, ms. On the rung `full` it is a probe, which takes no time. */
  drilled?: { at: number; up: number; tookMs: number }
  /** The last one failed, and the standby stepped up again; wall ms. */
  failed?: { at: number; because: string }
}

export type RollingBack = {
  name: 'rolling-back'
  since: Now
  generation: number
  why: string
  by: Actor
  /** `--hard`: everything now, whatever is ready. */
  hard?: true
}

export type Switching = {
  name: 'switching'
  since: Now
  generation: number
  step: number
  of: number
  /** Of the traffic, in this step; absent in the last one: all of it. */
  share?: number
  /** `promote`: the next step now. */
  promoted?: { by: Actor; at: number; reason: string }
}

export type End = 'finished' | 'rejected' | 'rolled-back' | 'aborted' | 'verified'
export type PhaseName = Phase['name']

export type Approval = { by: Actor; at: number; digest: string; reason?: string }

export type Release = {
  /** `r1`, `r2`, …: rises over all services of a data directory. */
  id: string
  service: string
  /** `deploy` goes live; `verify` runs the same gates and never switches; `rollback` is `rollback --to`. */
  kind: 'deploy' | 'verify' | 'rollback'
  bundle: Bundle
  /** The name its version was asked by, such as `champion`; absent: its own. */
  alias?: string
  /** What was live when this release left the queue; null makes it a first release (rulings §3). */
  from: Placed | null
  rules: Rules
  by: Actor
  at: number
  /** Counts this release's own transitions; never a generation. */
  step: number
  phase: Phase
  /** It waits until the standby of the release before it has had its time, instead of ending the ladder. */
  keepsStandby?: true
  /** `verify --replicas`: smaller than live, as asked. */
  small?: true
  /** Set while forward steps are stopped. */
  paused: { by: Actor; at: number; up: number; because?: string } | null
  approvals: readonly Approval[]
  /**
   * It was tested on spot capacity, and gets on-demand replicas before it switches. `found`: by gate, the last attempt that looked at
   * the replicas it had before, and counts no more.
   */
  onDemand?: { since: Now; found: Readonly<Record<string, number>> }
  /** Gates a person skipped with `--force`, with name and reason. */
  skipped: readonly { gate: string; by: Actor; at: number; reason: string }[]
  /** A budget was reached: it is mirrored no more. `next`: by budget, the sum at which the next cut is made. */
  thrift?: { at: number; next: Readonly<Record<string, number>> }
  /** `promote` during the watch: accepted without more evidence. */
  accepted: { by: Actor; at: number; reason: string } | null
}

/**
 * A service as it *should* be. `colour` names the place of the live role (or `none`); the other
 * place holds the candidate or the standby. Roles are exchanged in the same write that enters
 * `switching` or `rolling-back`: the row says what should be, the gateway says what is.
 */
export type Service = {
  name: string
  /** Highest generation ever handed out for this service; rises with routing changes, never restarts. */
  generation: number
  /** The generation under which the way back was last prepared together with a table; null where there is none. */
  back: number | null
  colour: Environment | 'none'
  live: Placed | null
  standby: Placed | null
  /** The one active release, or none. */
  release: Release | null
  /** At most one release waits. */
  queued: Release | null
  /** It is taken away: nothing of it is routed, and it is gone once what it had begun has ended. `goneAt`: wall time, ms. */
  removing?: { since: Now; by: Actor; drainS: number; goneAt?: number }
}

/** A bundle that has its place, and the release that brought it there. */
export type Placed = Bundle & { release: string }

export function other(environment: Environment): Environment {
  return environment === 'blue' ? 'green' : 'blue'
}

const candidates: readonly string[] = ['provisioning', 'warming', 'verifying', 'awaiting-approval']

/** Its replicas are up, or come up, and no client is answered by them. */
export function isCandidate({ name }: Phase): boolean {
  return candidates.includes(name)
}

const ends: readonly string[] = ['finished', 'rejected', 'rolled-back', 'aborted', 'verified']

export function isEnd(phase: Phase): phase is Extract<Phase, { name: End }> {
  return ends.includes(phase.name)
}

/** Nothing is live and nothing is asked for. */
export function emptyService(name: string): Service {
  return {
    name,
    generation: 0,
    back: null,
    colour: 'none',
    live: null,
    standby: null,
    release: null,
    queued: null,
  }
}
