/** Models in pools of servers that run already and load what they are asked to: no more of them at once than a pool has places. */
import type { PoolSpec, Provider } from '../provider.ts'
import { theirProvider } from '../their-provider.ts'
import type { TheirOptions } from '../their-provider.ts'
import { Member } from './member.ts'
import { Servers } from './servers.ts'

export function poolProvider(options: TheirOptions<PoolSpec>): Provider<PoolSpec> {
  let servers: Servers | null = null
  const provider = theirProvider<PoolSpec, Member>(
    options,
    (record, { all, log, changed, ...around }) => {
      servers ??= new Servers({ tenants: all, log, changed })
      servers.watch()
      const others = (member: Member) =>
        all().filter((one) => one !== member && one.spec.pool === member.spec.pool)
      return new Member(record, { ...around, log, changed, servers, others })
    },
    // Not loaded, until it is written that it may be; it has no address before.
    (_, startedAt) => ({
      host: '',
      port: 0,
      asleep: true,
      spells: [{ at: startedAt, is: 'asleep' as const }],
    }),
  )
  return {
    ...provider,
    close: async () => {
      servers?.close()
      await provider.close()
    },
  }
}
