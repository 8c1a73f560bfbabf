/**
 * Spot capacity under one replica: how it is known to be taken away (by how its program ended, or by a notice before that), and when it
 * is asked for again.
 */
import { runOnce } from '../sleep-program.ts'
import { pause } from '../watch-life.ts'
import type { ProcessSpec, ReplicaRecord, ReplicaSeen, SpotTerms } from '../provider.ts'
import { askAgainInMs, deathsInARow } from './restarts.ts'
import type { Surroundings } from './surroundings.ts'

/** What batch systems and clouds end programs with, before the power goes. */
const signals: readonly string[] = ['SIGTERM', 'SIGKILL', 'SIGHUP', 'SIGINT']
/** The same, as a shell or `srun` passes them on: 128 + the number of the signal; and 0, where a server ends in peace when it is told to. */
const passedOn: readonly number[] = [0, 129, 130, 137, 143]

/**
 * Of one that had been ready. Whoever ends by itself with any other code has crashed; where nobody saw how it ended, it is taken for gone.
 *
 * @param how as it is told of a process: `… (exit code 1)`, `… (signal SIGKILL)`
 */
export function wasTaken(how: string, { exitCodes }: Pick<SpotTerms, 'exitCodes'>): boolean {
  const [, signal] = /\(signal (\w+)\)/.exec(how) ?? []
  if (signal !== undefined) return signals.includes(signal)
  const [, code] = /\(exit code (\d+)\)/.exec(how) ?? []
  return code === undefined || [...passedOn, ...exitCodes].includes(Number(code))
}

/** Returns once its program says so, or its life is over. Asked at once, and again and again; a program that cannot say is told of once. */
export async function untilNoticed(
  { everyS, withinS, ...program }: NonNullable<SpotTerms['notice']>,
  replica: () => Pick<ReplicaRecord, 'host' | 'port' | 'process'>,
  { life, warn }: { life: AbortSignal; warn: (text: string) => void },
): Promise<void> {
  let told = false
  for (; !life.aborted; await pause(everyS * 1000, life)) {
    const limit = AbortSignal.any([life, AbortSignal.timeout(withinS * 1000)])
    const trouble = await runOnce(program, replica(), limit)
    if (trouble === null) return
    const isBroken = limit.aborted ? !life.aborted : trouble.startsWith('cannot run')
    if (isBroken && !told) warn(`asking whether it is taken away: ${trouble}`)
    told ||= isBroken
  }
}

export class SpotCapacity {
  private short = false
  private noticed = false
  private readonly terms: SpotTerms
  private readonly kill: (because: string) => void
  private readonly warn: (text: string) => void
  private readonly changed: () => void

  /** Null for a replica on demand. @param kill one that never answered, and will not: it was not had, and is asked for again more slowly */
  static of(
    { spec }: ReplicaRecord<ProcessSpec>,
    around: Surroundings,
    kill: (because: string) => void,
  ): SpotCapacity | null {
    return spec.spot === undefined ? null : new SpotCapacity(spec.id, spec.spot, around, kill)
  }

  private constructor(
    id: string,
    terms: SpotTerms,
    { log, changed }: Surroundings,
    kill: (because: string) => void,
  ) {
    this.terms = terms
    this.kill = kill
    this.warn = (text) => log.warn({ replica: id }, text)
    this.changed = changed
  }

  seen({ losses }: Pick<ReplicaRecord, 'losses'>): Pick<ReplicaSeen, 'spot'> {
    const { short, noticed } = this
    return { spot: { lost: losses?.all ?? 0, short, noticed } }
  }

  /** It answers. */
  had(): void {
    this.short = false
  }

  /** While this life lasts. */
  async lookForNotice(
    replica: () => Pick<ReplicaRecord, 'host' | 'port' | 'process' | 'present'>,
    life: AbortSignal,
  ): Promise<void> {
    const { notice } = this.terms
    if (notice === undefined) return
    await untilNoticed(notice, replica, { life, warn: this.warn })
    if (life.aborted) return
    if (replica().present?.ready !== true)
      return this.kill(`before it was ready ${notice.run.join(' ')} said that it is taken away`)
    this.noticed = true
    this.warn('its capacity is about to be taken away; another is started')
    this.changed()
  }

  /**
   * Nothing that ends before it was ready says whose fault that is: where it is the version's, on-demand replicas show it.
   *
   * @param killed by Beryl, for its silence
   */
  isTaken({
    how,
    readyForS,
    killed,
  }: {
    how: string
    readyForS: number | null
    killed: boolean
  }): boolean {
    if (readyForS === null || this.noticed) return true
    return !killed && wasTaken(how, this.terms)
  }

  /** @returns `waitMs`: until it is asked for again; null: another is there, or comes, and this one is not */
  lost(
    { losses }: Pick<ReplicaRecord, 'losses'>,
    how: string,
    readyForS: number | null,
  ): {
    because: string
    waitMs: number | null
    losses: NonNullable<ReplicaRecord['losses']>
  } {
    const { tries, retryS } = this.terms
    const inARow = deathsInARow(losses?.inARow ?? 0, readyForS)
    const { waitMs, short } = askAgainInMs(inARow, { tries, retryS })
    this.short = short
    const what = `spot capacity ${readyForS === null ? 'could not be had' : 'was taken away'}`
    const often = short ? `, ${inARow} times in a row; asked for again every ${retryS} s` : ''
    const because = `${what} (${how})${often}`
    this.warn(because)
    const all = (losses?.all ?? 0) + 1
    return { because, waitMs: this.noticed ? null : waitMs, losses: { all, inARow } }
  }
}
