/** The gateway process. It serves by its last routes before anybody tells it anything, and outlives whoever started it. */
import { cannotStart } from '../ipc/data-directory.ts'
import { log } from '../log.ts'
import type { GatewayConfig } from './config.ts'
import { startGateway } from './gateway.ts'

const text = process.env['BERYL_GATEWAY']
if (text === undefined)
  throw new Error(
    'this is the gateway of Beryl; `beryl up` starts it, with its configuration in BERYL_GATEWAY',
  )

const gateway = await startGateway(JSON.parse(text) as GatewayConfig, {
  ended: () => {
    log.info({}, 'another gateway has taken over, and nothing is open here any more')
    process.exit(0)
  },
}).catch((error: unknown) => {
  console.error(`${cannotStart}${(error as Error).message}`)
  process.exit(1)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    log.info({ signal }, 'stopping: no new requests; those in flight may end')
    void gateway.stop().then(() => process.exit(0))
  })
}
