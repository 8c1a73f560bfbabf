/** The control socket: what is asked, and who answers it. */
import { Hono } from 'hono'
import { ProblemError } from '../ipc/problem.ts'
import { asProblem } from '../ipc/serve.ts'
import { log } from '../log.ts'
import type { Cut, Forget, GatewayMetrics, GatewayState, OpenRequests } from './control.ts'
import type { PutTable, StoreBack, Tap } from './control.ts'
import type { HandOver } from './hand-over.ts'
import type { Ledger } from './ledger.ts'
import type { Switchboard } from './switchboard.ts'

/** Open requests that are listed. */
const openMax = 1000

export type Control = {
  state: () => GatewayState
  metrics: () => GatewayMetrics
  inherit: (metrics: GatewayMetrics) => void
  setTap: (service: string, tap: Tap | null) => void
  ledger: Ledger
  switchboard: Switchboard
  handOver: () => HandOver
}

/**
 * @param at `front`: where the gateway is asked; one that leaves changes nothing for those who take it for another. `aside`: by who
 * knows that it leaves
 */
export function controlApp(
  at: 'front' | 'aside',
  { state, metrics, inherit, setTap, ledger, switchboard, handOver }: Control,
): Hono {
  const app = asProblem(new Hono())
  app.get('/state', (context) => context.json(state()))
  app.get('/observations', (context) =>
    context.json(
      ledger.read(context.req.query('run') ?? '', Number(context.req.query('after') ?? 0)),
    ),
  )
  app.get('/metrics', (context) => context.json(metrics()))
  app.get('/services/:service/open', async (context) => {
    const open = await switchboard.open(context.req.param('service'))
    const first = open.toSorted((a, b) => b.ageMs - a.ageMs).slice(0, openMax)
    return context.json({ open: first, more: open.length - first.length } satisfies OpenRequests)
  })
  app.put('/services/:service/table', async (context) => {
    const asked = await context.req.json<PutTable>()
    if (asked.table?.service !== context.req.param('service'))
      throw new ProblemError({
        status: 400,
        code: 'wrong-service',
        title: 'the table is of another service',
      })
    mayChange()
    if (asked.isSwitch === true && handOver().predecessorLives()) throw handingOver()
    return context.json(await switchboard.put(asked))
  })
  app.put('/services/:service/tap', async (context) => {
    setTap(context.req.param('service'), (await context.req.json<{ tap: Tap | null }>()).tap)
    return context.json(null)
  })
  app.post('/services/:service/back', async (context) => {
    const { generation } = await context.req.json<StoreBack>()
    mayChange()
    return context.json(switchboard.back(context.req.param('service'), generation))
  })
  app.post('/services/:service/forget', async (context) => {
    const { environment, generation } = await context.req.json<Forget>()
    mayChange()
    return context.json(
      await switchboard.forget(context.req.param('service'), environment, generation),
    )
  })
  app.post('/services/:service/cut', async (context) => {
    const service = context.req.param('service')
    const { environment, because } = await context.req.json<Cut>()
    mayChange()
    const cut = await switchboard.cut(service, environment)
    const requestIds = cut.map(({ requestId }) => requestId)
    if (cut.length > 0)
      log.warn({ service, environment, because, cut: requestIds }, 'cut what was still open')
    return context.json({ cut })
  })
  app.post('/leave', async (context) => context.json(await handOver().leave()))
  app.post('/inherit', async (context) => {
    inherit(await context.req.json<GatewayMetrics>())
    return context.json(null)
  })
  for (const what of ['close', 'stay', 'hold', 'told'] as const)
    app.post(`/${what}`, async (context) => {
      await handOver()[what]()
      return context.json(null)
    })
  return app

  /** Right before it is done: what comes in line before the routes are handed on is in them. */
  function mayChange(): void {
    if (at === 'front' && handOver().leaving() !== null) throw handingOver()
  }
}

function handingOver(): ProblemError {
  return new ProblemError({
    status: 409,
    code: 'handing-over',
    title: 'one gateway hands over to another, and both answer requests',
    hint: 'ask again: it is over within a minute; a rollback goes on meanwhile',
  })
}
