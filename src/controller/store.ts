/** The store with the types that only the controller knows together. */
import type { Coverage } from '../guard/coverage.ts'
import type { Hearing } from '../guard/hearing.ts'
import type { Pairing } from '../guard/pairs.ts'
import type { LatencyHistory } from '../guard/latency-history.ts'
import type { Load } from '../guard/load.ts'
import type { Order } from '../guard/reorder.ts'
import type { Said } from '../guard/values.ts'
import type { WatchState } from '../guard/watch.ts'
import type { ReplicaRecord } from '../providers/provider.ts'
import type { Store } from '../storage/store.ts'
import type { Lately } from './watch/lately.ts'
import type { Track } from './curves/track.ts'
import type { Peaks } from './watch/peaks.ts'
import type { Plan } from './plan.ts'

/** A watch, and the order in which its evidence is taken: of single answers, and of those given twice. */
export type Watch = {
  service: string
  watch: WatchState
  order: Order
  /** Names of instances, by their place in the order's cells. */
  instances: string[]
  /** Null without a control group. */
  twice: { old: string; pairing: Pairing; coverage: Coverage } | null
  /** The old version beside which a part of the traffic is answered; absent where all moves at once. */
  drawn?: { old: string; sticky: boolean } | null
  /** Signals that the examiner takes from answers; `id` of how they are taken. Null: there are none. */
  said: { id: string; signals: readonly Said[]; hearing: Hearing } | null
  /** What people say: judged are answers up to `after` (wall, ms), by the share of the routing they were assigned by. Null: nobody is asked. */
  opinions: { after: number; shares: Record<string, number | null> } | null
}

/** How long the answers of a version took, by the load it was under. */
export type Times = {
  load: Load
  firstByte: LatencyHistory
  total: LatencyHistory
  /** Of streams that the examiner read; absent where none were. */
  firstToken?: LatencyHistory
  perToken?: LatencyHistory
  /** Rows of an older Beryl have none. */
  peaks?: Peaks
  lately?: Lately
}

export type ControllerStore = Store<Plan, ReplicaRecord, Watch, Times, Track>
