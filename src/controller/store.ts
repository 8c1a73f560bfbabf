/** The store with the types that only the controller knows together. */
import type { LatencyHistory } from '../guard/latency-history.ts'
import type { Load } from '../guard/load.ts'
import type { Order } from '../guard/reorder.ts'
import type { WatchState } from '../guard/watch.ts'
import type { ReplicaRecord } from '../providers/provider.ts'
import type { Store } from '../storage/store.ts'
import type { Plan } from './plan.ts'

/** A watch, and the order in which its evidence is taken. */
export type Watch = {
  service: string
  watch: WatchState
  order: Order
  /** Names of instances, by their place in the order's cells. */
  instances: string[]
}

/** How long the answers of a version took, by the load it was under. */
export type Times = { load: Load; firstByte: LatencyHistory; total: LatencyHistory }

export type ControllerStore = Store<Plan, ReplicaRecord, Watch, Times>
