/** Tells of releases as traces, from the record, beside the loop. What is written while nobody is there is not told: the record has it. */
import { log } from '../../log.ts'
import type { Release } from '../../release/release.ts'
import type { Exporter } from '../../telemetry/exporter.ts'
import { spansOf } from './release-spans.ts'
import type { ControllerStore } from '../store.ts'

const lookEveryMs = 1000
const pageMax = 200

export function openTraces({
  exporter,
  store,
  releaseOf,
}: {
  exporter: Pick<Exporter, 'add' | 'stop'>
  store: Pick<ControllerStore, 'events'>
  releaseOf: (id: string) => Release | null
}) {
  let told = store.events.last()
  const timer = setInterval(look, lookEveryMs).unref()

  return {
    look,
    async stop(): Promise<void> {
      clearInterval(timer)
      look()
      await exporter.stop()
    },
  }

  function look(): void {
    try {
      for (const event of store.events.after(told, null, pageMax)) {
        told = event.id
        const release = event.release === null ? null : releaseOf(event.release)
        if (release !== null)
          exporter.add(spansOf(event, release, store.events.ofRelease(release.id)))
      }
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'the record could not be read for traces')
    }
  }
}
