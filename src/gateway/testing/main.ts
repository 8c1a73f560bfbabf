/** A gateway whose workers have a door for tests; a hand-over takes BERYL_TEST_HAND_OVER_MS at most. */
import type { GatewayConfig } from '../config.ts'
import { startGateway } from '../gateway.ts'

const config = JSON.parse(process.env['BERYL_GATEWAY']!) as GatewayConfig
const handOverMs = process.env['BERYL_TEST_HAND_OVER_MS']
await startGateway(config, {
  entry: new URL('./worker.ts', import.meta.url),
  ended: () => process.exit(0),
  ...(handOverMs === undefined ? {} : { handOverMs: Number(handOverMs) }),
})
