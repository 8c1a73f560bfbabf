/** Recorded traffic with real processes: redacted, listed, exported, imported, purged, and still there after a crash. */
import assert from 'node:assert/strict'
import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { CaptureView, ReleaseView } from '../../src/api/shapes.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'

let beryl: Running
const secret = 'SECRET-OF-THE-PATIENT'

before(async () => {
  beryl = await startBeryl({
    models: { v1: { answer: 'one', echo: true }, v2: { answer: 'two', echo: true } },
    service: `
    verify:
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9 }
      - compatibility: { requests: 20, dryRun: true }
      - replay: { requests: 30, liveAgain: 100%, ignore: [$.pid], dryRun: true }
      - shadow: { atLeast: 30, within: 20s, liveAgain: 100%, ignore: [$.pid], dryRun: true }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    requests: { copy: { exclude: [/admin] } }
    capture: { share: 100%, redact: [$.patient, $.asked.patient, '$.records[*].patient', '$.asked.records[*].patient', { header: x-patient }, { matches: 'key-\\d+' }] }
`,
  })
  await beryl.deployed('v1')
})

after(async () => assert.equal(await beryl.stop(), 0))

const state = () => beryl.api<CaptureView>('GET', '/services/tiny/capture')

async function ask(path: string, text: string, more: object = {}): Promise<void> {
  const response = await fetch(`${beryl.gateway}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${secret}`,
      'x-patient': secret,
    },
    body: JSON.stringify({ text, patient: secret, note: 'key-123', ...more }),
  })
  assert.equal(response.status, 200)
  await response.text()
}

async function recorded(count: number): Promise<CaptureView> {
  let last: CaptureView | null = null
  await eventually(
    async () => (last = await state()).records === count,
    () => `${count} records, there are ${last?.records}`,
  )
  return last!
}

test('what clients ask and are answered is recorded without what must not be kept', async () => {
  const { code, out } = await beryl.cli('capture', 'tiny', 'purge')
  assert.equal(code, 0)
  assert.match(out, /removed/)
  for (const text of ['a', 'bb', 'ccc']) await ask('/predict?k=key-9', text)
  await ask('/admin/write', 'not this one')
  await recorded(3)
  const { out: lines } = await beryl.cli('capture', 'tiny', 'export')
  const records = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .toSorted((a, b) => a.at - b.at)
  assert.deepEqual(
    records.map(({ request }) => JSON.parse(request.body.text)),
    ['a', 'bb', 'ccc'].map((text) => ({ text, patient: '[redacted]', note: '[redacted]' })),
  )
  assert.equal(records[0].request.target, '/predict?k=%5Bredacted%5D')
  assert.deepEqual(JSON.parse(records[1].answer.body.text).label, '0')
  assert.equal(records[0].version, 'v1')
  const kept = globSync('**/*.{log,db,db-wal,json}', { cwd: beryl.data })
    .map((file) => readFileSync(join(beryl.data, file), 'latin1'))
    .join('\n')
  assert.match(kept, /"text":"ccc\b|\\"text\\":\\"ccc/)
  assert.ok(!kept.includes(secret) && !/key-\d/.test(kept))
  assert.match(
    (await beryl.cli('capture', 'tiny')).out,
    /100 % of what may be copied.*\n.*3 records/,
  )
})

test('a killed examiner loses no more than was on its way, and records again once it is back', async () => {
  beryl.kill('examiner')
  await eventually(
    async () => {
      await ask('/predict', 'later')
      return (await state()).records > 3
    },
    () => 'a record after the crash',
  )
  const { out } = await beryl.cli('capture', 'tiny', 'export')
  assert.match(out, /"text":"\{\\"text\\":\\"ccc/)
})

test('what was exported comes back; a broken line, or the capture of another service, is named and nothing taken', async () => {
  const { out: exported } = await beryl.cli('capture', 'tiny', 'export')
  const file = join(beryl.directory, 'exported.jsonl')
  writeFileSync(file, exported)
  await beryl.cli('capture', 'tiny', 'purge')
  assert.equal((await state()).records, 0)
  const lines = exported.trim().split('\n')
  const wrong = [
    [`${lines[0]}\n{"half":`, /wrong\.jsonl:2: /],
    [
      exported.replaceAll('"service":"tiny"', '"service":"other"'),
      /wrong\.jsonl:1: it is of other, not of tiny/,
    ],
    ['', /holds no record/],
  ] as const
  for (const [text, says] of wrong) {
    writeFileSync(join(beryl.directory, 'wrong.jsonl'), text)
    const { code, err } = await beryl.cli(
      'capture',
      'tiny',
      'import',
      join(beryl.directory, 'wrong.jsonl'),
    )
    assert.equal(code, 2)
    assert.match(err, says)
    assert.match(err, /Next: .*nothing was imported/)
  }
  assert.equal((await state()).records, 0)
  const { code, out } = await beryl.cli('capture', 'tiny', 'import', file)
  assert.equal(code, 0, out)
  assert.equal((await state()).records, lines.length)
  assert.equal((await beryl.cli('capture', 'tiny', 'import')).code, 2)
  assert.equal((await beryl.cli('capture', 'tiny', 'exprot')).code, 2)
  const { events } = await beryl.api<{ events: { text: string }[] }>('GET', '/events?limit=1000')
  for (const did of [/exports the capture of tiny/, /imported \d+ records/, /purged the capture/])
    assert.ok(
      events.some(({ text }) => did.test(text)),
      String(did),
    )
})

test('gates on recorded and live traffic show their examples, and no secret: on disk, in logs, in reports, by the API', async () => {
  const nested = () => ({ records: [{ patient: secret, deep: [{ note: 'call key-77 now' }] }] })
  const asking = new AbortController()
  const clients = (async () => {
    while (!asking.signal.aborted) await ask('/predict?k=key-9', 'nested', nested())
  })()
  let id = ''
  try {
    await eventually(
      async () => (await state()).records > 60,
      () => 'enough records',
    )
    const asked = { version: 'v2', kind: 'verify' }
    id = (await beryl.api<ReleaseView>('POST', '/services/tiny/releases', asked)).id
    const { gates } = await beryl.until(id, ({ phase }) => phase === 'verified', 'verified')
    for (const name of ['replay', 'shadow']) {
      const gate = gates.find((one) => one.name === name)
      assert.ok(gate?.state === 'decided', JSON.stringify(gate))
      assert.match(JSON.stringify(gate.evidence), /"live":"one"/)
    }
  } finally {
    asking.abort()
    await clients
  }
  const page = join(beryl.directory, 'report.html')
  assert.equal((await beryl.cli('report', id, '--html', page)).code, 0)
  const said = {
    report: (await beryl.cli('report', id, '--json')).out,
    page: readFileSync(page, 'utf8'),
    release: JSON.stringify(await beryl.release(id)),
    events: JSON.stringify(await beryl.api('GET', '/events?limit=1000')),
    capture: JSON.stringify(await state()),
    exported: (await beryl.cli('capture', 'tiny', 'export')).out,
  }
  // What is looked through is what was to be found: the same requests, without it.
  for (const text of [said.report, said.page, said.release, said.exported])
    assert.match(text, /nested/)
  const files = globSync('**/*', { cwd: beryl.data })
    .map((file) => join(beryl.data, file))
    .filter((file) => statSync(file).isFile())
    .map((file) => [file, readFileSync(file, 'latin1')] as const)
  assert.ok(files.some(([, text]) => text.includes('nested')))
  for (const [where, text] of [...Object.entries(said), ...files])
    assert.ok(!text.includes(secret) && !/key-\d/.test(text), `a secret stands in ${where}`)
})
