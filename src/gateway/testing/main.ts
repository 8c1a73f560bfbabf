/** A gateway whose workers have a door for tests. */
import type { GatewayConfig } from '../config.ts'
import { startGateway } from '../gateway.ts'

const config = JSON.parse(process.env['BERYL_GATEWAY']!) as GatewayConfig
await startGateway(config, { entry: new URL('./worker.ts', import.meta.url) })
