/**
 * The shadow gate: what clients ask now is asked of the candidate too, and held against what live answered them. Nothing here can
 * reach a client: the gateway hands whole exchanges on, waits for nobody, and has forgotten them.
 */
import type { Tapped } from '../../ipc/exchanges.ts'
import type { Verdict } from '../../release/release.ts'
import { headersIn } from '../capture/headers.ts'
import { undecided } from '../examination.ts'
import type { Examination } from '../examination.ts'
import type { GateSpec, Target } from '../gate.ts'
import { inPlainWords } from '../grpc/tapped.ts'
import { copyOfTapped } from '../pairs/copy.ts'
import { Inbox } from '../pairs/inbox.ts'
import { openPairs } from '../pairs/pairs.ts'
import type { Pairs } from '../pairs/pairs.ts'
import { eachOf } from '../pool.ts'
import type { Tap } from '../tap/hear.ts'

export type ShadowSpec = GateSpec & { kind: 'shadow' }

/** Exchanges that wait for their turn; more are dropped. */
const waitingMax = { items: 256, bytes: 32 * 1024 * 1024 }

type Sides = { service: string; candidate: Target; live: Target | null }

/** @throws Error where the gate could not be taken: nothing is decided then */
export async function shadow(
  spec: ShadowSpec,
  { service, candidate, live }: Sides,
  tap: Pick<Tap, 'listen'>,
  { signal, progress }: Examination,
): Promise<Verdict> {
  if (live === null || live.addresses.length === 0)
    return undecided('there is no live version that answers to compare with')
  const pairs = openPairs(spec, { purpose: 'shadow', candidate, live, signal })
  const inbox = new Inbox<Tapped>(waitingMax)
  const copies = { arrived: 0, dropped: {} as Record<string, number> }
  const stopListening = tap.listen({
    exchange: (one) => arrive(one),
    dropped: (counts) => {
      for (const [key, count] of Object.entries(counts))
        if (key.startsWith(`${service} `)) drop(key.slice(service.length + 1), count)
    },
  })
  const end = () => {
    inbox.end()
    pairs.close()
  }
  signal.addEventListener('abort', end, { once: true })
  try {
    await eachOf(inbox, { concurrency: spec.concurrency, signal }, async (heard) => {
      const one = inPlainWords(heard)
      await pairs.compare(copyOfTapped(one), liveAnswer(pairs, one))
      progress(`${progressText(pairs.compared, spec.atLeast)}${lost(copies.dropped)}`)
      if (pairs.isTimeToLook() && isDecided(pairs, spec)) end()
    })
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', end)
    stopListening()
    end()
  }
  return told(pairs, spec, { copies, signal })

  function arrive(one: Tapped): void {
    if (one.service !== service || one.point >= spec.share) return
    copies.arrived++
    if (one.version !== live!.version) return drop('other-version', 1)
    if (!inbox.put(one, one.request.length + one.answer.length)) drop('behind', 1)
  }

  function drop(reason: string, count: number): void {
    copies.dropped[reason] = (copies.dropped[reason] ?? 0) + count
  }
}

function liveAnswer({ keeper }: Pairs, { status, answerLines, answer }: Tapped) {
  const headers = Object.fromEntries(
    headersIn(answerLines).map(([name, value]) => [name.toLowerCase(), value]),
  )
  return keeper.answer(status, headers, answer)
}

/** Worse is worse however few there are; no worse needs as many as were asked for. */
function isDecided(pairs: Pairs, { atLeast }: ShadowSpec): boolean {
  const { verdict } = pairs.verdict()
  return verdict === 'fail' || (verdict === 'pass' && pairs.compared >= atLeast)
}

function told(
  pairs: Pairs,
  { atLeast }: ShadowSpec,
  {
    copies,
    signal,
  }: { copies: { arrived: number; dropped: Record<string, number> }; signal: AbortSignal },
): Verdict {
  const { verdict, because, evidence } = pairs.verdict()
  const all = { ...evidence, copies: { ...copies, compared: pairs.compared } }
  const text = `${because}${lost(copies.dropped)}`
  if (verdict === 'fail' || (verdict === 'pass' && pairs.compared >= atLeast))
    return { verdict, because: text, evidence: all }
  const over = signal.aborted ? `${(signal.reason as Error).message}: ` : ''
  const few =
    pairs.compared < atLeast
      ? `${pairs.compared} of the ${atLeast} requests that are needed were compared; `
      : ''
  return undecided(`${over}${few}${text}`, all)
}

/** Exported for its test. */
export function progressText(compared: number, atLeast: number): string {
  return compared < atLeast
    ? `${compared} of ${atLeast} compared`
    : `${compared} compared, which do not show yet that it is no worse`
}

function lost(dropped: Readonly<Record<string, number>>): string {
  const all = Object.entries(dropped)
  const sum = all.reduce((total, [, count]) => total + count, 0)
  if (sum === 0) return ''
  return `; ${sum} copies were dropped (${all.map(([reason, count]) => `${count} ${reason}`).join(', ')})`
}
