/** The manifest snapshot that a release is judged by, taken when it is asked for (rulings §13). */
import type { Price } from './ledger/cost.ts'
import type { WatchRules } from '../guard/guard.ts'
import type { Template } from '../providers/provider.ts'
import type { Rules } from '../release/release.ts'
import type { GateSpec } from '../verification/gate.ts'
import type { SharedPool } from './pools.ts'
import type { SignalSources } from './watch/signal-specs.ts'

export type Plan = {
  rules: Rules
  /** How a replica of this bundle is started, or where it is found; all but what differs from replica to replica. */
  template: Template
  /** By gate name. */
  gates: Readonly<Record<string, GateSpec>>
  watch: WatchRules
  /** Plans of an older Beryl have none. */
  signals?: SignalSources
  price: Price | null
  /** The pool of its rung `shared`; absent: it has none. */
  shared?: SharedPool
}
