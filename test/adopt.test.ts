/** The commands of docs/adopt.md do what the page says, one after the other, as a reader would type them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from './support/beryl.ts'
import { freePorts } from './support/theirs.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'beryl-adopt-'))
const page = readFileSync(join(root, 'docs/adopt.md'), 'utf8')
const commands = [...page.matchAll(/```sh\n([\s\S]*?)```/g)]
  .flatMap(([, block]) => block!.trimEnd().split('\n'))
  .filter((line) => line !== 'npm install')
const begun: ChildProcess[] = []
/** Of one command of the page; the longest takes 15 s on a machine with nothing else to do. */
const commandMs = 60_000

after(async () => {
  for (const child of begun.toReversed()) await ended(child)
  rmSync(directory, { recursive: true, force: true })
})

test('the page can be followed from its first command to its last', async (t) => {
  const ports = await freePorts(4)
  const port = Object.fromEntries(
    ['8001', '8002', '8080', '8090'].map((one, at) => [one, ports[at]]),
  )
  const here = (text: string) =>
    text.replace(/\b(8001|8002|8080|8090)\b/g, (one) => String(port[one]))
  const manifest = join(directory, 'beryl.yaml')
  const example = readFileSync(join(root, 'examples/external/beryl.yaml'), 'utf8')
  writeFileSync(
    manifest,
    here(example).replaceAll('../moby-pico', join(root, 'examples/moby-pico')),
  )
  const outputs: string[] = []
  for (const line of commands) {
    const typed = here(line)
      .replace('examples/external/beryl.yaml', manifest)
      .replace('mine.yaml', join(directory, 'mine.yaml'))
      .replace('--data .beryl', '')
      .replace('npm run beryl --', `${process.execPath} bin/beryl.js`)
      .replace('npx node', process.execPath)
    const begin = performance.now()
    if (typed.endsWith(' &')) await inBackground(typed.slice(0, -2))
    else outputs.push(await run(typed))
    t.diagnostic(`${Math.round(performance.now() - begin)} ms: ${line}`)
  }
  assert.match(outputs[0]!, /is valid/)
  const answers = outputs.filter((text) => text.includes('"choices"'))
  assert.equal(answers.length, 2, 'both versions answered a client')
  assert.ok(outputs.some((text) => /live {6}v1 on blue/.test(text)))
  assert.match(outputs.at(-1)!, /mine\.yaml is valid/)
  const alive = begun.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
  assert.equal(alive.length, 3, 'two servers and Beryl run')
  await ended(begun.splice(1, 1)[0]!)
  const left = await fetch(here('http://127.0.0.1:8002/health'))
  assert.equal(left.status, 200, 'Ctrl-C on `up` leaves the servers alone')
})

function start(command: string): ChildProcess {
  const { BERYL_API: _, BERYL_TOKEN: __, ...env } = process.env
  // `exec`: the shell becomes the program, and a signal reaches that.
  return spawn('sh', ['-c', `exec ${command}`], {
    cwd: root,
    env: { ...env, BERYL_DATA: join(directory, '.beryl') },
  })
}

async function run(command: string): Promise<string> {
  const child = start(command)
  let text = ''
  child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr!.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const late = setTimeout(() => child.kill('SIGKILL'), commandMs)
  const code = await new Promise((resolve) => child.once('close', resolve))
  clearTimeout(late)
  assert.equal(code, 0, `${command}\n${text}${code === null ? `\nno end in ${commandMs} ms` : ''}`)
  return text
}

/** Until it can be used: a server answers, `up` says that it is up. */
async function inBackground(command: string): Promise<void> {
  const child = start(command)
  begun.push(child)
  let text = ''
  child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr!.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const at = / --port (\d+)/.exec(command)?.[1]
  await eventually(
    async () =>
      at === undefined
        ? text.includes('Beryl is up')
        : (await fetch(`http://127.0.0.1:${at}/health`)).ok,
    () => `${command}\n${text}`,
  )
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGINT')
  await gone
}
