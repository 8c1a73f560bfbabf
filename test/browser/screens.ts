/**
 * How the pages look and read, in a real Chromium: axe finds no serious fault in any of them, by day, by night and on a phone, and
 * each is photographed. `BERYL_SCREENSHOTS=docs/screenshots npm run test:browser` keeps the pictures that the docs show.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import type { ReleaseView } from '../../src/api/shapes.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { isLive, openBrowser, openPage, signIn } from '../support/browser.ts'
import { steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

const kept = process.env['BERYL_SCREENSHOTS']
const directory = mkdtempSync(join(tmpdir(), 'beryl-screens-'))
/** Those that are kept; the others are looked at by axe only. */
const shown = ['sign-in', 'overview', 'service', 'release', 'history', 'versions', 'cost']
const model = fileURLToPath(new URL('../fixtures/model.js', import.meta.url))

const gates = `
    verify:
      - warmUp: { within: 20s, request: { path: /predict } }
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, score: exact, atLeast: 0.9, noWorseBy: 0.05 }`
const service = (name: string, replicas: number, more: string) => `
  ${name}:
    route: { path: /${name} }
    requests: { copy: { methods: [POST] } }
    protocol: json
    environment:
      provider: process
      command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(model)}, "{model}", "{port}"]
      replicas: ${replicas}
      ready: { path: /healthz, within: 5s }
      stop: { grace: 1s }
      price: { replicaHour: 2.10, currency: USD }
    versions:
      v1: { model: ./v1.json, notes: the first }
      v2: { model: ./v2.json, notes: trained on the new labels }
      v3: { model: ./v3.json, notes: a quarter of the size }
${more}`
const manifest = `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0, workers: 2 }
api: { listen: 127.0.0.1:0 }
services:
${service('support-chat', 2, `${gates}\n    watch: { atLeast: 2m, atMost: 10m, control: auto, errors: { margin: 1%, atMost: 20% } }`)}
${service('tagger', 1, gates)}
${service('embeddings', 1, `${gates}\n    switch: { when: approved }`)}
`

let beryl: Running
let browser: Browser
let page: Page
let traffic: Traffic

before(async () => {
  beryl = await startBeryl({
    manifest,
    models: { v1: { answer: 'one' }, v2: { answer: 'two' }, v3: { answer: 'w', wrong: true } },
  })
  browser = await openBrowser()
  page = (await openPage(browser, beryl.apiUrl, { viewport: { width: 1280, height: 800 } })).page
})

after(async () => {
  await browser?.close()
  await traffic?.stop()
  assert.equal(await beryl?.stop(), 0)
  rmSync(directory, { recursive: true })
})

async function deploy(name: string, version: string, phases: readonly string[]): Promise<string> {
  const { id } = await beryl.api<ReleaseView>('POST', `/services/${name}/releases`, { version })
  await beryl.until(id, ({ phase }) => phases.includes(phase), phases.join(' or '))
  return id
}

type Fault = { id: string; impact: string; help: string; nodes: { html: string }[] }

/** By day, by night, and on a phone. */
async function looksRight(name: string): Promise<void> {
  for (const [look, colorScheme, width] of [
    ['light', 'light', 1280],
    ['dark', 'dark', 1280],
    ['phone', 'light', 390],
  ] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.setViewportSize({ width, height: 800 })
    const overflow = await page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    )
    assert.equal(overflow, 0, `${name} (${look}) is wider than its window`)
    assert.deepEqual(await faults(), [], `${name} (${look})`)
    const path = join(
      kept !== undefined && shown.includes(name) ? kept : directory,
      `${name}-${look}.png`,
    )
    await page.screenshot({ path, fullPage: true, scale: 'css' })
    assert.ok(statSync(path).size > 5000, path)
  }
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize({ width: 1280, height: 800 })
}

async function faults(): Promise<string[]> {
  // By the debugger's door: the page's own policy lets no foreign script in.
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<{ violations: Fault[] }>('axe.run()')
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`)
}

test('the door', async () => {
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await looksRight('sign-in')
  await signIn(page, beryl.token)
})

test('a service before its first release', async () => {
  await page.getByRole('link', { name: 'support-chat' }).click()
  await page.getByText('No release yet').waitFor()
  await looksRight('empty')
})

test('a service in the middle of a watch', async () => {
  const first = await deploy('support-chat', 'v1', ['watching'])
  traffic = steadyTraffic(`${beryl.gateway}/support-chat`, { concurrency: 2, pauseMs: 25 })
  await beryl.api('POST', `/releases/${first}/promote`, { reason: 'it is the first one' })
  await beryl.until(first, ({ phase }) => phase === 'finished', 'finished')
  await deploy('support-chat', 'v3', ['rejected'])
  const id = await deploy('support-chat', 'v2', ['watching'])
  await beryl.until(
    id,
    ({ watch }) => (watch?.evidence.promotionEvidence ?? 0) > 0.25,
    'partly cleared',
  )
  await page.locator('.meter.fine').waitFor()
  // Both versions on one axis, and the evidence on its way to the line.
  await page.getByRole('img', { name: /^Evidence: errors, .*the line that decides/ }).waitFor()
  await page.getByRole('img', { name: /^Latency, 95 % within, .*v2 \(new\).*v1 \(old\)/ }).waitFor()
  await looksRight('service')
})

test('a question before a rollback', async () => {
  await page.getByRole('button', { name: 'Roll back' }).click()
  await looksRight('rollback')
  await page.keyboard.press('Escape')
})

test('a curve as a table, and the value at a time that is pointed at', async () => {
  await page.getByText('Failed answers: as a table').click()
  await page.getByRole('columnheader', { name: 'v2 (new)' }).waitFor()
  const chart = page.getByRole('img', { name: /^Latency/ })
  const when = page.locator('.chart', { has: chart }).locator('.chart-when')
  const last = await when.textContent()
  await chart.hover({ position: { x: 2, y: 20 } })
  await eventually(
    async () => (await when.textContent()) !== last,
    () => `another time than ${last} to be told where the chart is pointed at`,
  )
})

test('a question before a freeze, and what it says while it holds', async () => {
  await page.getByRole('button', { name: 'Freeze …' }).click()
  await page.getByLabel('How long').selectOption('for a day')
  await page.getByLabel('Reason').fill('the auditors are here')
  await looksRight('freeze')
  await page.getByRole('button', { name: 'Freeze it' }).click()
  await page.locator('.frozen').getByText('the auditors are here').waitFor()
  await looksRight('frozen')
  await page.getByRole('button', { name: 'Lift the freeze …' }).click()
  await page.getByRole('button', { name: 'Lift it' }).click()
  await page.locator('.frozen').waitFor({ state: 'detached' })
})

test('a question before a release', async () => {
  await page.getByRole('button', { name: 'Deploy …' }).click()
  await page.getByText('to the switch').waitFor()
  await looksRight('deploy')
  await page.keyboard.press('Escape')
})

test('a connection that falls silent', async () => {
  // Stopped, it holds the connection and says nothing: only the clock of the page notices.
  const controller = beryl.pidOf('controller')!
  process.kill(controller, 'SIGSTOP')
  try {
    await page.locator('.connection.lost').waitFor()
    await looksRight('lost')
  } finally {
    process.kill(controller, 'SIGCONT')
  }
  await isLive(page)
})

test('all services', async () => {
  const first = await deploy('tagger', 'v1', ['watching'])
  await beryl.api('POST', `/releases/${first}/promote`, { reason: 'it is the first one' })
  await beryl.until(first, ({ phase }) => phase === 'finished', 'finished')
  await deploy('embeddings', 'v1', ['awaiting-approval'])
  await page.getByRole('link', { name: 'services' }).click()
  await page.getByText('is awaiting-approval').waitFor()
  await page.locator('.service').getByText(/\d\/s/).first().waitFor()
  await looksRight('overview')
  assert.equal(await page.locator('.service').count(), 3)
})

test('the pages of a service: history, versions, cost', async () => {
  await page.getByRole('link', { name: 'support-chat' }).click()
  const tab = (name: string) =>
    page.getByRole('navigation', { name: 'Pages of this service' }).getByRole('link', { name })
  await tab('history').click()
  await page.getByText('3 shown, that is all').waitFor()
  await looksRight('history')
  await tab('versions').click()
  await page.getByRole('row', { name: /^v2 live/ }).waitFor()
  await looksRight('versions')
  await tab('cost').click()
  await page.getByText('blue-green added').waitFor()
  await looksRight('cost')
  await tab('now').click()
  await page.getByRole('heading', { name: 'What you can do' }).waitFor()
  // r2 was rejected by its golden set: what it said lies beside what was expected.
  await page.locator('.history').getByRole('link', { name: 'r2' }).click()
  await page.getByRole('heading', { name: 'Worst disagreements' }).waitFor()
  await page.getByText('v3 (candidate)').first().waitFor()
  await looksRight('rejected')
  await page.getByRole('link', { name: 'services' }).click()
})

test('a release, explained', async () => {
  await beryl.api('POST', '/services/support-chat/rollback', {
    reason: 'support reads odd answers about refunds',
  })
  await page.getByRole('link', { name: 'support-chat' }).click()
  await eventually(
    async () => (await page.locator('.phase-name').textContent()) === 'rolled-back',
    () => 'the page to show the rollback',
  )
  await looksRight('rolled-back')
  await page.locator('.history').getByRole('link').first().click()
  await page.getByRole('heading', { name: 'The record' }).waitFor()
  await page.getByText('support reads odd answers').first().waitFor()
  await looksRight('release')
})
