/** What every story of the demo shares: a stage, Ctrl-C at any moment, clients that stop, the end, and what `--keep` leaves. */
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { Script } from './script.ts'
import { command, setStage } from './stage.ts'
import type { Example, Stage } from './stage.ts'

export type Telling = {
  script: Script
  set: (example: Example) => Promise<Stage>
  /** Hands a client over: it is stopped when the story ends, however it ends. */
  client: <Client extends { stop(): Promise<unknown> }>(client: Client) => Client
}

/** @returns where its service answers, for those who keep it */
export type Story = (telling: Telling) => Promise<string>

export async function tell({ json }: Globals, keep: boolean, story: Story): Promise<number> {
  const script = new Script(json ? process.stderr : process.stdout)
  const clients: { stop(): Promise<unknown> }[] = []
  let stage: Stage | null = null
  let left = false
  let interrupted = false
  let strike = () => Promise.resolve()
  const interrupt = () => {
    if (interrupted) process.exit(130)
    interrupted = true
    script.line('Stopping everything …')
    void strike().then(() => process.exit(130))
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt)
  try {
    const path = await story({
      script,
      set: async (example) => (stage = await setStage(example, (how) => (strike = how))),
      client: (client) => {
        clients.push(client)
        return client
      },
    })
    if (keep) {
      const { running, data } = stage!
      script.line(
        `Still running: ${running.gateway}${path}   stop it with: kill -INT ${running.pid}`,
      )
      script.line(`Look at it: ${command} status --data ${data}`)
      stage!.leave()
      left = true
    }
  } catch (error) {
    if (!interrupted) script.fail((error as Error).message)
  } finally {
    for (const client of clients) await client.stop()
    if (!left) await strike()
  }
  // What a Ctrl-C broke off did not fail: the handler ends the process once everything is stopped.
  if (interrupted) return exitCodes.error
  for (const failure of script.failures) script.line(`did not happen: ${failure}`)
  script.end()
  if (json) process.stdout.write(`${JSON.stringify(script.document(), null, 2)}\n`)
  return script.failures.length === 0 ? exitCodes.done : exitCodes.error
}
