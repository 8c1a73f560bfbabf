/** Models in pools of servers that run already and load what they are asked to: no more of them at once than a pool has places. */
import type { PoolSpec, Provider } from '../provider.ts'
import { theirProvider } from '../their-provider.ts'
import type { TheirOptions } from '../their-provider.ts'
import { Member } from './member.ts'

export function poolProvider(options: TheirOptions<PoolSpec>): Provider<PoolSpec> {
  return theirProvider<PoolSpec, Member>(
    options,
    (record, around) =>
      new Member(record, {
        ...around,
        others: (member) =>
          around.all().filter((one) => one !== member && one.pool === member.pool),
      }),
    // Not loaded, until it is written that it may be.
    ({ at }, startedAt) => ({
      ...at,
      asleep: true,
      spells: [{ at: startedAt, is: 'asleep' as const }],
    }),
  )
}
