/** The examiner process: judges answers, and runs users' code. When it dies its gates are undecided; traffic notices nothing. */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { dataDirectory } from '../ipc/data-directory.ts'
import { ProblemError } from '../ipc/problem.ts'
import { asProblem, serveSocket } from '../ipc/serve.ts'
import { log } from '../log.ts'
import { captureRoutes } from './capture/routes.ts'
import { openCaptures } from './capture/captures.ts'
import { readGateRun } from './gate-run.ts'
import { openRuns } from './runs.ts'
import { signalRoutes } from './signals/routes.ts'
import { openSignals } from './signals/signals.ts'
import { hearTap } from './tap/hear.ts'

const askedMaxBytes = 1024 * 1024

const directory = dataDirectory(configOf(process.env['BERYL_EXAMINER']))
const captures = openCaptures(directory.captures)
const tap = await hearTap(directory.socket('tap'))
tap.listen(captures)
const signals = openSignals()
tap.listen(signals.listener)
const runs = openRuns({ tap, captures }, (run, { verdict, because }) =>
  log.info({ run, verdict }, because),
)
const app = asProblem(new Hono())
app.use('/gates/*', bodyLimit({ maxSize: askedMaxBytes, onError: tooLarge }))
app.route('/captures', captureRoutes(captures))
app.route('/signals', signalRoutes(signals))
app.get('/healthz', (context) => context.text('ok\n'))
app.put('/gates/:release/:gate/:attempt{[0-9]+}', async (context) => {
  const asked: unknown = await context.req.json().catch(notJson)
  return context.json(runs.start(context.req.param(), readGateRun(asked)))
})
app.get('/gates/:release/:gate/:attempt{[0-9]+}', (context) => {
  const { release, gate, attempt } = context.req.param()
  const answer = runs.look({ release, gate, attempt })
  if (answer !== null) return context.json(answer)
  throw new ProblemError({
    status: 404,
    code: 'no-such-run',
    title: `no attempt ${attempt} of gate ${gate} of ${release} is known here`,
    hint: 'the examiner was restarted, or an hour has passed: start another attempt',
  })
})
app.delete('/gates/:release', (context) => {
  runs.cancel(context.req.param('release'))
  return context.json(null)
})

const serving = serveSocket(app, directory.socket('examiner'))
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end())
await serving
log.info({}, 'the examiner is ready')

async function end(): Promise<void> {
  runs.cancelAll()
  await (await serving).close()
  await tap.close()
  await captures.close()
  await signals.close()
  process.exit(0)
}

/** @throws Error that says how the examiner is started */
function configOf(text: string | undefined): string {
  const expected = 'expected BERYL_EXAMINER={"dataDirectory": "…"}; `beryl up` sets it'
  if (text === undefined)
    throw new Error(`this is the examiner of Beryl, and has no configuration: ${expected}`)
  let config: unknown
  try {
    config = JSON.parse(text)
  } catch (cause) {
    throw new Error(`the configuration is not JSON: ${expected}`, { cause })
  }
  if (typeof config === 'object' && config !== null && 'dataDirectory' in config) {
    if (typeof config.dataDirectory === 'string') return config.dataDirectory
  }
  throw new Error(`the configuration names no data directory: ${expected}, came ${text}`)
}

function notJson(cause: unknown): never {
  throw new ProblemError(
    { status: 400, code: 'not-json', title: 'what was asked for is not JSON' },
    { cause },
  )
}

function tooLarge(): never {
  throw new ProblemError({
    status: 413,
    code: 'too-large',
    title: `what was asked for is larger than ${askedMaxBytes} bytes`,
  })
}
