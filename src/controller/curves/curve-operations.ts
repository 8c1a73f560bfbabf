/** What was seen over time, for whoever asks. */
import type { Operations } from '../../api/operations.ts'
import type { Release } from '../../release/release.ts'
import type { ControllerStore } from '../store.ts'
import type { Curves } from './curves.ts'
import { curvesView } from './curves-view.ts'

export function curveOperations({
  curves,
  store,
  named,
  findRelease,
}: {
  curves: Pick<Curves, 'ofService' | 'ofRelease'>
  store: Pick<ControllerStore, 'feedback'>
  /** Both: @throws ProblemError for what there is none of */
  named: (service: string) => string
  findRelease: (id: string) => Release
}): Operations['curves'] {
  return {
    ofService: (name) => {
      const places = ['blue', 'green'] as const
      // Which version stands in a place changes within the hour.
      const sides = places.map((side) => ({ side, version: null }))
      return curvesView(curves.ofService(named(name)), { sides, said: [] })
    },

    ofRelease: (asked) => {
      const { id, bundle, from } = findRelease(asked)
      const track = curves.ofRelease(id)
      const begun = track.slots[0]?.at ?? 0
      const both = [
        { side: 'new' as const, release: id, version: bundle.version },
        ...(from === null
          ? []
          : [{ side: 'old' as const, release: from.release, version: from.version }]),
      ]
      return curvesView(track, {
        sides: both.map(({ side, version }) => ({ side, version })),
        said: both.map(({ side, release }) => ({
          side,
          said: store.feedback.overTime(release, begun, track.everyMs),
        })),
      })
    },
  }
}
