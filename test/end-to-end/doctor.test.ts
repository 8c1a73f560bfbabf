/** `beryl doctor` beside a real Beryl: well, with a process that hangs, with one that is dead, without a supervisor, of another version. */
import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Finding } from '../../src/doctor/finding.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'

let beryl: Running

before(async () => {
  beryl = await startBeryl({ models: { a: { answer: 'a' } } })
})
after(async () => assert.equal(await beryl.stop(), 0))

type Seen = { code: number | null; findings: Finding[] }

async function doctor(): Promise<Seen> {
  const { code, out } = await beryl.cli(
    'doctor',
    '-f',
    join(beryl.directory, 'beryl.yaml'),
    '--json',
  )
  return { code, ...(JSON.parse(out) as { findings: Finding[] }) }
}

/** What is not well, with its fix. */
function ills({ findings }: Seen, check: string): string[] {
  return findings.flatMap((one) =>
    one.level !== 'ok' && one.check === check ? [`${one.level}: ${one.said} → ${one.fix}`] : [],
  )
}

test('where all is well, every check says so: exit 0', async () => {
  const seen = await doctor()
  assert.deepEqual(
    seen.findings.filter(({ level, check }) => level !== 'ok' && check !== 'open files'),
    [],
  )
  assert.equal(seen.code, 0)
  assert.deepEqual(
    [...new Set(seen.findings.map(({ check }) => check))],
    [
      'node',
      'open files',
      'data',
      'disk',
      'clock',
      'manifest',
      'command',
      'port',
      'processes',
      'version',
      'errors',
    ],
  )
  const { out } = await beryl.cli('doctor', '-f', join(beryl.directory, 'beryl.yaml'))
  assert.match(out, /ok {7}processes {3}gateway: pid \d+, answers/)
})

test('a process that hangs is named, with its log and what to do: exit 1', async () => {
  const pid = beryl.pidOf('examiner')!
  process.kill(pid, 'SIGSTOP')
  try {
    const seen = await doctor()
    assert.equal(seen.code, 1)
    const [ill, ...others] = ills(seen, 'processes')
    assert.deepEqual(others, [])
    assert.match(
      ill!,
      new RegExp(
        `^problem: the examiner \\(pid ${pid}\\) does not answer: .* → read .*examiner\\.log; kill ${pid} `,
      ),
    )
  } finally {
    process.kill(pid, 'SIGCONT')
  }
})

test('another version that runs is said', async () => {
  const file = join(beryl.data, 'running.json')
  const text = await readFile(file, 'utf8')
  await writeFile(file, JSON.stringify({ ...(JSON.parse(text) as object), version: '0.0.1' }))
  const seen = await doctor()
  await writeFile(file, text)
  assert.equal(seen.code, 0, 'a warning is no problem')
  assert.match(
    ills(seen, 'version')[0]!,
    /^warning: Beryl 0\.0\.1 runs, and .* → beryl up --take-over/,
  )
})

test('a file of a version that has gone is said, and the other checks go on', async () => {
  const file = join(beryl.directory, 'a.json')
  const text = await readFile(file, 'utf8')
  await rm(file)
  const seen = await doctor()
  await writeFile(file, text)
  assert.equal(seen.code, 1)
  assert.match(
    ills(seen, 'manifest')[0]!,
    /^problem: .*beryl\.yaml:\d+:\d+ .*there is none at .*a\.json → mend it/,
  )
  assert.ok(seen.findings.some(({ check }) => check === 'command'))
  assert.ok(seen.findings.some(({ check }) => check === 'port'))
})

test('without its supervisor what runs is said to be alone, and what died to be dead', async () => {
  await beryl.killSupervisor()
  const pid = beryl.kill('examiner')
  try {
    let seen: Seen | null = null
    await eventually(
      async () => {
        seen = await doctor()
        return ills(seen, 'processes').length === 2
      },
      () => JSON.stringify(seen),
    )
    const [alone, dead] = ills(seen!, 'processes')
    assert.match(
      alone!,
      /^warning: no supervisor runs, and gateway \(pid \d+\), controller .* → beryl up: it takes over/,
    )
    assert.match(
      dead!,
      /^problem: the examiner does not run.* → read .*; `beryl up` starts it again/,
    )
    assert.notEqual(beryl.pidOf('controller'), pid)
  } finally {
    await beryl.restartSupervisor()
  }
  assert.deepEqual(ills(await doctor(), 'processes'), [])
})

test('no manifest, or one that is wrong, is a problem with where to begin', async () => {
  const none = await beryl.cli('doctor', '-f', join(beryl.directory, 'none.yaml'))
  assert.equal(none.code, 1)
  assert.match(
    none.out,
    /problem {2}manifest .*there is no such file.*\n +fix: beryl init writes one/,
  )
  const file = join(beryl.directory, 'wrong.yaml')
  await writeFile(file, 'apiVersion: beryl/v2\n')
  const wrong = await beryl.cli('doctor', '-f', file)
  assert.equal(wrong.code, 1)
  assert.match(
    wrong.out,
    /wrong\.yaml:1:13 apiVersion: expected "beryl\/v1".*\n +fix: mend it.*beryl validate/,
  )
})
