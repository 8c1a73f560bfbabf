/** The replay gate: recorded requests to the candidate and to live as it answers now, in pairs. */
import { setTimeout as sleep } from 'node:timers/promises'
import { mayBeCopied } from '../../ipc/copyable.ts'
import type { Verdict } from '../../release/release.ts'
import type { Captured } from '../capture/captured.ts'
import type { Captures } from '../capture/captures.ts'
import { undecided } from '../examination.ts'
import type { Examination } from '../examination.ts'
import type { GateSpec, Target } from '../gate.ts'
import { copyOfCaptured } from '../pairs/copy.ts'
import { openPairs } from '../pairs/pairs.ts'
import { eachOf } from '../pool.ts'

export type ReplaySpec = GateSpec & { kind: 'replay' }

type Sides = { service: string; candidate: Target; live: Target | null }

/** @throws Error where the gate could not be taken: nothing is decided then */
export async function replay(
  spec: ReplaySpec,
  { service, candidate, live }: Sides,
  captures: Pick<Captures, 'newest'>,
  { signal, progress }: Examination,
): Promise<Verdict> {
  if (live === null || live.addresses.length === 0)
    return undecided('there is no live version that answers to compare with')
  const records = await recordsFor(spec, service, captures)
  const missing = tooFew(records, spec, service) ?? tooLong(records, spec)
  if (missing !== null) return undecided(missing)
  const pairs = openPairs(spec, { purpose: 'replay', candidate, live, signal })
  const enough = new AbortController()
  const paced = atTheirTimes(records, spec.speed, AbortSignal.any([signal, enough.signal]))
  try {
    await eachOf(paced, { concurrency: spec.concurrency, signal }, async (one) => {
      await pairs.compare(copyOfCaptured(one, spec.headers), null)
      progress(`${pairs.compared} of ${records.length} compared`)
      // Worse is worse however few there are.
      if (pairs.isTimeToLook() && pairs.verdict().verdict === 'fail') end()
    })
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    end()
  }
  const { verdict, because, evidence } = pairs.verdict()
  const all = { ...evidence, replayed: { records: records.length, compared: pairs.compared } }
  if (verdict === 'fail' || !signal.aborted) return { verdict, because, evidence: all }
  return undecided(
    `${(signal.reason as Error).message}: ${pairs.compared} of ${records.length} records were compared; ${because}`,
    all,
  )

  function end(): void {
    enough.abort()
    pairs.close()
  }
}

/** The newest ones, in the order in which they came. What may be copied today is what counts: a record may be of another day. */
async function recordsFor(
  { requests, copy }: ReplaySpec,
  service: string,
  captures: Pick<Captures, 'newest'>,
): Promise<Captured[]> {
  const found = await captures.newest(service, requests)
  return found.filter(({ request }) => mayBeCopied(copy, request)).toSorted((a, b) => a.at - b.at)
}

function tooFew(
  { length }: readonly Captured[],
  { requests }: ReplaySpec,
  service: string,
): string | null {
  if (length === 0)
    return `nothing is recorded: give services.${service}.capture and wait for traffic, or \`beryl capture ${service} import FILE\`; then retry`
  return length < requests
    ? `${length} of the ${requests} requests that are to be replayed are recorded: wait for traffic, raise capture.share, or ask for fewer; then retry`
    : null
}

/** @returns why it cannot end in time, or null */
function tooLong(records: readonly Captured[], { speed, withinS }: ReplaySpec): string | null {
  if (speed === null) return null
  const spanS = (records.at(-1)!.at - records[0]!.at) / 1000 / speed
  return spanS < withinS
    ? null
    : `the records span ${Math.round(spanS)} s at this speed, and the gate has ${withinS} s: use speed: fast, or a longer within`
}

/** @param speed times as fast as they came; null: as fast as they are taken @param signal ends it, also while it waits */
async function* atTheirTimes(
  records: readonly Captured[],
  speed: number | null,
  signal: AbortSignal,
): AsyncGenerator<Captured> {
  const begun = performance.now()
  for (const record of records) {
    const due = speed === null ? 0 : begun + (record.at - records[0]!.at) / speed
    if (due > performance.now())
      await sleep(due - performance.now(), undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    yield record
  }
}
