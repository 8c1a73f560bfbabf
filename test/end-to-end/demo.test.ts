/** `npm run demo`, as a stranger runs it: the whole story, what `--keep` leaves, and a Ctrl-C in the middle. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, globSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/beryl.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

function demo(...args: string[]) {
  const child = spawn(process.execPath, [join(root, 'bin/beryl.js'), 'demo', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  const steps: (() => void)[] = []
  const hear = (chunk: Buffer) => {
    said += chunk.toString()
    for (const step of steps) step()
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  return {
    child,
    said: () => said,
    saying: (text: string) =>
      new Promise<void>((resolve, reject) => {
        const look = () => {
          if (said.includes(text)) resolve()
        }
        steps.push(look)
        child.once('exit', () =>
          reject(new Error(`the demo ended before it said "${text}":\n${said}`)),
        )
        look()
      }),
    ended: () => new Promise<number | null>((resolve) => child.once('close', resolve)),
  } satisfies { child: ChildProcess } & Record<string, unknown>
}

/** Empty where the process has gone meanwhile. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

const directories = () => globSync('beryl-demo-*', { cwd: tmpdir() })

test('the whole demo happens, and --keep leaves a Beryl that can be looked at and stopped as it says', async () => {
  const run = demo('--keep')
  const code = await run.ended()
  // What is left running is stopped below, whatever happened.
  assert.match(run.said(), /Still running/)
  const [, url] = /Still running: (\S+)/.exec(run.said()) ?? []
  const [, pid] = /kill -INT (\d+)/.exec(run.said()) ?? []
  const [, data] = /npm run beryl -- status --data (\S+)/.exec(run.said()) ?? []
  try {
    assert.equal(code, 0, run.said())
    assert.match(run.said(), /All of it happened/)
    assert.doesNotMatch(run.said(), /✗/)
    const answer = await fetch(url!, {
      method: 'POST',
      body: JSON.stringify({ text: 'Guten Morgen' }),
    })
    assert.equal(answer.headers.get('beryl-version'), 'v2')
    assert.equal(((await answer.json()) as { language: string }).language, 'de')
    const look = spawn(process.execPath, [join(root, 'bin/beryl.js'), 'status', '--data', data!])
    assert.equal(await new Promise((resolve) => look.once('close', resolve)), 0)
  } finally {
    process.kill(Number(pid), 'SIGINT')
    await eventually(
      () => {
        try {
          return !process.kill(Number(pid), 0)
        } catch {
          return true
        }
      },
      () => `the kept Beryl (${pid}) to end`,
    )
    rmSync(dirname(data!), { recursive: true })
  }
})

for (const [when, until] of [
  [
    'while Beryl starts',
    async (run: ReturnType<typeof demo>, before: readonly string[]) => {
      await run.saying('1. Beryl starts')
      // Its `up` has been started as soon as it has a log.
      await eventually(
        () =>
          directories().some(
            (name) => !before.includes(name) && existsSync(join(tmpdir(), name, 'up.log')),
          ),
        () => 'beryl up to be started',
      )
    },
  ],
  ['in the middle', (run: ReturnType<typeof demo>) => run.saying('2. A client sends')],
] as const)
  test(`Ctrl-C ${when} stops everything, and leaves nothing behind`, async () => {
    const before = directories()
    const run = demo()
    await until(run, before)
    const [made] = directories().filter((name) => !before.includes(name))
    run.child.kill('SIGINT')
    assert.equal(await run.ended(), 130, run.said())
    assert.ok(!existsSync(join(tmpdir(), made!)), `${made} is left`)
    assert.match(run.said(), /Stopping everything/)
    assert.doesNotMatch(run.said(), /✗/)
    // A command that was killed is a zombie until its parent's parent has looked; its command line is gone at once.
    assert.deepEqual(
      globSync('/proc/[0-9]*/cmdline').filter((file) => textOf(file).includes(made!)),
      [],
      'no process of it is left',
    )
  })
