/** Recorded traffic: the examiner is told what to record, and asked for it; who exported, imported or purged stands in the record. */
import type { Operations } from '../api/operations.ts'
import { log } from '../log.ts'
import type { Now } from '../release/release.ts'
import type { Captured } from '../verification/capture/captured.ts'
import type { ExaminerClient } from '../verification/client.ts'
import type { Registry } from './versions/registry.ts'
import type { ControllerStore } from './store.ts'

/** An examiner that started anew records nothing until it is told. */
const tellEveryMs = 1000

/** Where nothing is recorded, that is said once: an examiner that was left from before may still record. */
export function keepCaptures({
  examiner,
  registry,
  services,
}: {
  examiner: Pick<ExaminerClient, 'configureCaptures'>
  registry: Pick<Registry, 'captureOf'>
  services: () => readonly string[]
}): { stop(): void } {
  let timer: NodeJS.Timeout | null = null
  let stopped = false
  let failed = false
  void tell()
  return {
    stop: () => {
      stopped = true
      if (timer !== null) clearTimeout(timer)
    },
  }

  async function tell(): Promise<void> {
    const settings = Object.fromEntries(
      services().flatMap((name) => {
        const capture = registry.captureOf(name)
        return capture === null ? [] : [[name, capture] as const]
      }),
    )
    const told = await examiner.configureCaptures(settings).then(
      () => true,
      (error: unknown) => {
        if (!failed)
          log.warn({ error: (error as Error).message }, 'the examiner was not told what to record')
        return false
      },
    )
    failed = !told
    const again = !told || Object.keys(settings).length > 0
    if (again && !stopped) timer = setTimeout(() => void tell(), tellEveryMs).unref()
  }
}

export function captureOperations({
  examiner,
  registry,
  store,
  now,
  named,
}: {
  examiner: ExaminerClient
  registry: Pick<Registry, 'captureOf'>
  store: Pick<ControllerStore, 'events'>
  now: () => Now
  /** @throws ProblemError for a service that there is none of */
  named: (service: string) => string
}): Operations['capture'] {
  return {
    async state(service) {
      const { records, bytes, oldest, dropped, newest } = await examiner.capture(named(service))
      const wanted = registry.captureOf(service)
      const settings = wanted && {
        share: wanted.share,
        keepS: wanted.keepS,
        atMostBytes: wanted.atMostBytes,
      }
      return { service, settings, records, bytes, oldest, dropped, newest }
    },

    async page(service, after, by) {
      const page = await examiner.capturePage(named(service), after)
      if (after === null) record(service, by, 'export', `${by} exports the capture of ${service}`)
      return page
    },

    async import(service, records, by) {
      const done = await examiner.importCapture(named(service), records as Captured[])
      record(service, by, 'import', `${by} imported ${done.records} records for ${service}`)
      return done
    },

    async purge(service, by) {
      const done = await examiner.purgeCapture(named(service))
      record(
        service,
        by,
        'purge',
        `${by} purged the capture of ${service}: ${done.records} records`,
      )
      return done
    },
  }

  function record(service: string, by: string, what: string, text: string): void {
    const data = { command: 'capture', what }
    store.events.add({ at: now().wall, service, release: null, kind: 'command', by, text, data })
  }
}
