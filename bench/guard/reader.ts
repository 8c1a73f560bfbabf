/**
 * A controller's reader and guard, and nothing else of it: reads a gateway's observations over its control socket, ten times a second,
 * as the product does. Argument: the control socket. Answers each message with what it has taken, and paid, so far.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ControllerStore } from '../../src/controller/store.ts'
import { gatewayClient } from '../../src/gateway/client.ts'
import { openStore } from '../../src/storage/store.ts'
import { readerOf, watchedRelease } from './watched.ts'

export type Read = {
  taken: number
  /** Not noted, or pushed out before they were read. */
  missing: number
  /** Seconds, user and system. */
  cpuS: number
  /** What the guard says. */
  decision: string | null
}

const lookMs = 100
const directory = mkdtempSync(join(tmpdir(), 'beryl-bench-reader-'))
process.on('exit', () => rmSync(directory, { recursive: true }))
const store = openStore(join(directory, 'beryl.db')) as ControllerStore
const client = gatewayClient(process.argv[2]!)
let [taken, missing] = [0, 0]
const watching = readerOf(
  store,
  {
    ...client,
    observations: async (run, after) => {
      const page = await client.observations(run, after)
      taken += page.items.length
      missing += page.gaps.reduce((sum, { count }) => sum + count, 0)
      return page
    },
  },
  'bench',
)
const release = watchedRelease(store, {
  service: 'bench',
  release: 'v1',
  perSecond: 10_000,
  known: true,
})
let decision: string | null = null
await watching.take(await client.state())
watching.begin(release)

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send!({ taken, missing, cpuS: (user + system) / 1e6, decision } satisfies Read)
})
process.on('disconnect', () => process.exit(0))
for (;;) {
  await watching.take(await client.state())
  decision = watching.judge(release)?.decision ?? null
  await wait(lookMs)
}
