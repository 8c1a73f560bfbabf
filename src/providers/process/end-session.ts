/** Ends a model server and everything it has started: SIGTERM → grace → SIGKILL, until nothing is left of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from '../../ipc/identity.ts'
import type { Identity } from '../../ipc/identity.ts'
import { membersOf } from './marks.ts'

const leaderPollMs = 50
/** Each of these looks reads all of /proc; they happen only while children outlive their leader. */
const childrenPollMs = 100
/** SIGKILL is obeyed at once, but for a process that hangs in a driver; it is asked again, and reported once. */
const killAgainMs = 1000
const reportAfterMs = 10_000

export type Ending = {
  /** The replica: what carries its mark ends with it. */
  id: string
  /** Its leader as it was written down; a pid that is somebody else's by now is left alone. */
  identity: Identity | null
  /** 0: SIGKILL at once. */
  graceMs: number
  /** Stops waiting; what was signalled stays signalled. */
  signal: AbortSignal
  /** Told once when something survives SIGKILL. */
  survived: (pids: readonly number[]) => void
}

/** Whose end it is: the replica, and its process group where the leader was seen alive. */
type Session = { id: string; leader: Identity | null }

/** Returns when no process of the replica is left, or when the signal is aborted. */
export async function endSession(ending: Ending): Promise<void> {
  const { graceMs, signal, survived } = ending
  const session = sessionOf(ending)
  const began = performance.now()
  let killedAt: number | null = null
  let reported = false
  if (graceMs > 0) signalSession(session, 'SIGTERM')
  for (;;) {
    const left = whoIsLeft(session)
    if (left.length === 0 || signal.aborted) return
    const passed = performance.now() - began
    if (passed >= graceMs && (killedAt === null || passed - killedAt >= killAgainMs)) {
      killedAt = passed
      signalSession(session, 'SIGKILL')
    }
    if (!reported && passed - graceMs >= reportAfterMs) {
      reported = true
      survived(left)
    }
    const leaderLives = session.leader !== null && left.includes(session.leader.pid)
    await sleep(leaderLives ? leaderPollMs : childrenPollMs, undefined, { signal }).catch(() => {})
  }
}

/** SIGKILL to all of it, without waiting. */
export function killSession(ending: Pick<Ending, 'id' | 'identity'>): void {
  signalSession(sessionOf(ending), 'SIGKILL')
}

/** A group number is a pid: without its leader seen alive, it may be somebody else's group by now. */
function sessionOf({ id, identity }: Pick<Ending, 'id' | 'identity'>): Session {
  return { id, leader: identity !== null && isAlive(identity) ? identity : null }
}

/** The group at one stroke while its leader lives; others one by one, and nobody twice: some servers take a second SIGTERM for haste. */
function signalSession({ id, leader }: Session, signal: NodeJS.Signals): void {
  const leaderLives = leader !== null && isAlive(leader)
  if (leader !== null && (leaderLives || groupIsLeft(leader.pid))) send(-leader.pid, signal)
  for (const { identity, group } of membersOf(id, leader?.pid ?? null))
    if (!(leaderLives && group === leader.pid) && isAlive(identity)) send(identity.pid, signal)
}

function whoIsLeft({ id, leader }: Session): number[] {
  if (leader !== null && isAlive(leader)) return [leader.pid]
  if (leader !== null && groupIsLeft(leader.pid)) return [leader.pid]
  return membersOf(id, leader?.pid ?? null).map(({ identity }) => identity.pid)
}

/** Where there is no /proc to look into. Elsewhere it is of no use: zombies that nobody reaps count too. */
function groupIsLeft(group: number): boolean {
  if (process.platform === 'linux') return false
  try {
    process.kill(-group, 0)
    return true
  } catch {
    return false
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended in this moment.
  }
}
