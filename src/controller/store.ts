/** The store with the types that only the controller knows together. */
import type { Order } from '../guard/reorder.ts'
import type { WatchState } from '../guard/watch.ts'
import type { ReplicaRecord } from '../providers/provider.ts'
import type { Store } from '../storage/store.ts'
import type { Plan } from './plan.ts'

/** A watch, and the order in which its evidence is taken. */
export type Watch = { service: string; watch: WatchState; order: Order }

export type ControllerStore = Store<Plan, ReplicaRecord, Watch>
