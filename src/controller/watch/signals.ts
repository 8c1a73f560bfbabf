/** Which signals are taken from which service's answers now: the examiner is told, and the gateway which answers to hand on. */
import { log } from '../../log.ts'
import type { ExaminerClient } from '../../verification/client.ts'
import type { SignalSettings } from '../../verification/signals/signal.ts'
import type { Registry } from '../versions/registry.ts'
import type { SignalSources } from './signal-specs.ts'
import type { ControllerStore } from '../store.ts'

export type SignalKeeper = ReturnType<typeof keepSignals>

/** An examiner that started anew judges nothing until it is told. */
const tellEveryMs = 1000
/** Answers of one service that are read each second: enough for any watch, a few hundredths of a core. */
export const judgedPerSecondMax = 200
const everyMax = 65_536
/** A rate is measured over so long; the first one sooner. */
const [firstWindowMs, windowMs] = [1000, 10_000]
/** Settings of before: verdicts by them may still be on their way. */
const settingsKept = 16

export function keepSignals({
  examiner,
  registry,
  services,
  store,
  now,
}: {
  examiner: Pick<ExaminerClient, 'configureSignals'>
  registry: Pick<Registry, 'signalsOf'>
  /** Names, and the release that is under way. */
  services: () => readonly { name: string; release: string | null }[]
  store: { services: Pick<ControllerStore['services'], 'plan'> }
  /** Wall, ms. */
  now: () => number
}) {
  const current = new Map<string, SignalSettings>()
  const known = new Map<string, SignalSettings>()
  const rates = new Map<string, { at: number; assigned: number; every: number; isFirst: boolean }>()
  let timer: NodeJS.Timeout | null = null
  let stopped = false
  let failed = true
  let isWarned = false
  /** Services that the examiner was told of last. */
  let told: string[] = []
  void tell()

  return {
    isAny: (): boolean => current.size > 0,
    /** Null where nobody knows them any more. */
    settings: (id: string): SignalSettings | null => known.get(id) ?? null,

    /** Null: no answer of this service is read. @param assigned requests since the gateway started */
    every(service: string, assigned: number): number | null {
      if (!current.has(service)) return null
      const at = now()
      const last = rates.get(service)
      if (last === undefined || assigned < last.assigned || at < last.at) {
        const every = last?.every ?? 1
        rates.set(service, { at, assigned, every, isFirst: true })
        return every
      }
      const passed = at - last.at
      if (passed < (last.isFirst ? firstWindowMs : windowMs)) return last.every
      const every = everyOf(((assigned - last.assigned) * 1000) / passed)
      rates.set(service, { at, assigned, every, isFirst: false })
      return every
    },
    stop(): void {
      stopped = true
      if (timer !== null) clearTimeout(timer)
    },
  }

  async function tell(): Promise<void> {
    await say()
    if (!stopped) timer = setTimeout(() => void tell(), tellEveryMs).unref()
  }

  async function say(): Promise<void> {
    try {
      await look()
      // Where nothing is judged, that is said once: an examiner that was left from before may still judge.
      if (!failed && current.size === 0 && told.length === 0) return
      await examiner.configureSignals(Object.fromEntries(current))
      told = [...current.keys()]
      failed = false
      isWarned = false
    } catch (error) {
      failed = true
      if (!isWarned)
        log.warn({ error: (error as Error).message }, 'the examiner was not told what to judge')
      isWarned = true
    }
  }

  /** A release is judged by the snapshot that it began with (rulings §13). */
  async function look(): Promise<void> {
    const all = services()
    for (const gone of current.keys())
      if (!all.some(({ name }) => name === gone)) current.delete(gone)
    for (const { name, release } of all) {
      const plan = release === null ? null : store.services.plan(release)
      const sources = plan === null ? await ofManifest(name) : (plan.signals ?? null)
      const settings = sources?.answers ?? null
      if (settings === null) current.delete(name)
      else current.set(name, settings)
      if (settings !== null) remember(settings)
    }
  }

  /** A file that is gone since: nothing is read then, and the next deploy says why. */
  function ofManifest(name: string): Promise<SignalSources | null> {
    return registry.signalsOf(name).catch(() => null)
  }

  function remember(settings: SignalSettings): void {
    known.delete(settings.id)
    known.set(settings.id, settings)
    for (const id of known.keys()) if (known.size > settingsKept) known.delete(id)
  }
}

function everyOf(perSecond: number): number {
  let every = 1
  while (perSecond / every > judgedPerSecondMax && every < everyMax) every *= 2
  return every
}
