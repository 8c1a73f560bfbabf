/** The examiner process: judges answers, and runs users' code. When it dies its gates are undecided; traffic notices nothing. */
import { Hono } from 'hono'
import { dataDirectory } from '../ipc/data-directory.ts'
import { ProblemError } from '../ipc/problem.ts'
import { asProblem, serveSocket } from '../ipc/serve.ts'
import { log } from '../log.ts'
import type { GateRun } from './gate.ts'
import { openRuns } from './runs.ts'

const text = process.env['BERYL_EXAMINER']
if (text === undefined)
  throw new Error(
    'this is the examiner of Beryl; `beryl up` starts it, with its configuration in BERYL_EXAMINER',
  )
const directory = dataDirectory((JSON.parse(text) as { dataDirectory: string }).dataDirectory)

const runs = openRuns()
const app = asProblem(new Hono())
app.get('/healthz', (context) => context.text('ok\n'))
app.put('/gates/:release/:gate/:attempt', async (context) =>
  context.json(runs.start(keyOf(context.req.param()), await context.req.json<GateRun>())),
)
app.get('/gates/:release/:gate/:attempt', (context) => {
  const answer = runs.look(keyOf(context.req.param()))
  if (answer === null)
    throw new ProblemError({
      status: 404,
      code: 'no-such-run',
      title: `no run ${keyOf(context.req.param())}`,
    })
  return context.json(answer)
})
app.delete('/gates/:release', (context) => {
  runs.cancel(context.req.param('release'))
  return context.json(null)
})

const socket = await serveSocket(app, directory.socket('examiner'))
log.info({}, 'the examiner is ready')

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    runs.cancelAll()
    void socket.close().then(() => process.exit(0))
  })
}

function keyOf({
  release,
  gate,
  attempt,
}: {
  release?: string
  gate?: string
  attempt?: string
}): string {
  return `${release}/${gate}/${attempt}`
}
