/** Model servers that run already, under addresses that somebody else keeps: Beryl only looks at them and routes. */
import type { ExternalSpec, Provider } from '../provider.ts'
import { theirProvider } from '../their-provider.ts'
import type { TheirOptions } from '../their-provider.ts'
import { Claim } from './claim.ts'

export function externalProvider(options: TheirOptions<ExternalSpec>): Provider<ExternalSpec> {
  return theirProvider<ExternalSpec, Claim>(
    options,
    (record, around) =>
      new Claim(record, {
        ...around,
        claimed: (exceptId) =>
          new Map(
            around
              .all()
              .flatMap(({ id, address }) =>
                id === exceptId || address === null ? [] : [[address, id] as const],
              ),
          ),
      }),
    () => ({ host: '', port: 0 }),
  )
}
