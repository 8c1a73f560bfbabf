/** What holds traffic back from moving forward: a freeze, a window that is closed. Never a way back (rulings §2). */
import { seconds } from './clock.ts'
import type { Wait } from './move.ts'
import type { Now, Release } from './release.ts'
import type { HandOver, Hold, Seen } from './seen.ts'

/** Null: traffic may move. `rollback --to` is a way back too; of one that is paused the pause is what is said. */
export function heldBack(release: Release, { seen, now }: { seen: Seen; now: Now }): Wait | null {
  const [hold] = seen.holds ?? []
  if (release.paused !== null) return null
  const handOver = seen.gateway?.handOver
  if (handOver !== undefined) return { waitingFor: handOverText(handOver) }
  if (hold === undefined || release.kind === 'rollback') return null
  return { waitingFor: holdText(hold, release.service, now.wall) }
}

/** Two processes cannot switch in one step; a way back does not wait for one (rulings §7). */
export function handOverText({ open }: HandOver): string {
  const what = open === null ? 'which does not answer' : `which has ${open} requests in flight`
  return `the gateway before this one, ${what}: a hand-over ends within a minute`
}

/** As a wait says it. */
export function holdText(hold: Hold, service: string, wall: number): string {
  if (hold.by === 'freeze') {
    const { who, reason, until } = hold
    const [command, what] =
      hold.of === 'service' ? [`unfreeze ${service}`, service] : ['unfreeze', 'everything']
    // No countdown: waits for a person are told again when their words change.
    const thaws = until === null ? '' : `, until ${momentOf(until)}`
    return `\`${command}\`: ${who} froze ${what} (${reason})${thaws}`
  }
  const opens = hold.opensAt === null ? 'is not in sight' : `opens ${when(hold.opensAt, wall)}`
  return `the window ${hold.window}, which ${opens}`
}

function when(at: number, wall: number): string {
  return `in ${seconds((at - wall) / 1000)} (${momentOf(at)})`
}

function momentOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
