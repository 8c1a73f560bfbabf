/** The dashboard in a real Chromium, over a real Beryl: from deploy to switch to rollback, by mouse and by keyboard. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, afterEach, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { isLive, openBrowser, openPage, signIn, tabTo } from '../support/browser.ts'
import type { Watched } from '../support/browser.ts'
import { steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

const evil = '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>'

let beryl: Running
let browser: Browser
let traffic: Traffic
let own: Watched
let page: Page
/** Somebody else, in another browser. */
let other: Watched

before(async () => {
  beryl = await startBeryl({
    models: { v1: { answer: 'one' }, v2: { answer: 'two' }, wrong: { answer: 'w', wrong: evil } },
    service: `
    verify:
      - warmUp: { within: 20s, request: { path: /predict } }
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, score: exact, atLeast: 0.9 }
    switch: { when: approved, drain: 1s }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 10m }]
`,
  })
  browser = await openBrowser()
  own = await openPage(browser, beryl.apiUrl)
  page = own.page
})

after(async () => {
  await browser?.close()
  const sent = await traffic?.stop()
  assert.equal(await beryl?.stop(), 0)
  assert.deepEqual(sent?.lost, [])
})

afterEach(() => {
  assert.deepEqual(own.wrong, [])
  assert.deepEqual(other?.wrong ?? [], [])
})

const phaseIs = (phase: string, on = page) =>
  on.locator('.phase-name').getByText(phase, { exact: true }).waitFor()
const button = (name: string) => page.getByRole('button', { name, exact: true })
const dialog = () => page.getByRole('dialog')
const lane = (place: 'blue' | 'green', on = page) => on.getByRole('article', { name: place })

test('a wrong token is refused in words, and leaves nothing behind', async () => {
  await page.getByLabel('Token').fill('beryl_not-the-token')
  await button('Sign in').click()
  await page.getByRole('alert').getByText('this token is not known here').waitFor()
  assert.deepEqual(await page.context().cookies(), [])
})

test('the right one opens the overview, by a cookie that no script can read', async () => {
  await signIn(page, beryl.token)
  await page.getByRole('heading', { name: 'Services' }).waitFor()
  const [cookie] = await page.context().cookies()
  assert.equal(cookie?.httpOnly, true)
  assert.equal(cookie?.sameSite, 'Strict')
  assert.equal(await page.evaluate('document.cookie + JSON.stringify({ ...localStorage })'), '{}')
})

test('a first version goes live by mouse: deploy, approve', async () => {
  await page.getByRole('link', { name: 'tiny' }).click()
  await page.getByText('No version is live yet').waitFor()
  await button('Deploy …').click()
  await dialog().getByLabel('Version').selectOption('v1')
  await dialog().getByText('nothing: this is the first release').waitFor()
  await dialog().getByRole('button', { name: 'Deploy', exact: true }).click()
  await phaseIs('awaiting-approval')
  traffic = steadyTraffic(beryl.gateway, { concurrency: 2, ignore: 'no-live-version' })
  await button('Approve').click()
  await dialog().getByText('all live traffic moves to v1 in one step').waitFor()
  await dialog().getByRole('button', { name: 'Approve' }).click()
  await lane('blue').getByText('live', { exact: true }).waitFor()
  await phaseIs('finished')
})

test('a bad version is rejected before anybody saw it, with the verdict in the same words as the record', async () => {
  await button('Deploy …').click()
  await dialog().getByLabel('Version').selectOption('wrong')
  await dialog().getByRole('button', { name: 'Deploy', exact: true }).click()
  await phaseIs('rejected')
  const { releases } = await beryl.api<{ releases: { because: string }[] }>(
    'GET',
    '/services/tiny/history?limit=1',
  )
  await page.locator('.phase-text').getByText(releases[0]!.because).first().waitFor()
  assert.equal((await beryl.service()).live?.version, 'v1')
})

test('a second version goes live; another browser sees the same at the same time', async () => {
  other = await openPage(browser, beryl.apiUrl, { path: '/services/tiny' })
  await signIn(other.page, beryl.token)
  await button('Deploy …').click()
  await dialog().getByLabel('Version').selectOption('v2')
  await dialog().getByRole('button', { name: 'Deploy', exact: true }).click()
  await phaseIs('awaiting-approval')
  await phaseIs('awaiting-approval', other.page)
  await button('Approve').click()
  await dialog().getByLabel('Reason').fill('looks good')
  await dialog().getByRole('button', { name: 'Approve' }).click()
  for (const on of [page, other.page]) {
    await phaseIs('stabilizing', on)
    await lane('green', on).getByText('live', { exact: true }).waitFor()
    await lane('blue', on).getByText('standby', { exact: true }).waitFor()
    await lane('green', on)
      .getByText(/[\d.,]+\/s/)
      .waitFor()
  }
})

test('what may not be done now is greyed, does nothing, and says why', async () => {
  const abort = button('Abort')
  assert.equal(await abort.getAttribute('aria-disabled'), 'true')
  // Playwright waits for what is greyed; a person does not.
  await abort.click({ force: true })
  const { can } = await beryl.service()
  await page.locator('.why').getByText(can.abort!).waitFor()
  assert.equal(await dialog().count(), 0)
})

test('a viewer sees the same, and no button works: by its role, for the API too; revoked, it is out', async () => {
  const { token } = await beryl.api<{ token: string }>('POST', '/tokens', {
    name: 'wall',
    role: 'viewer',
  })
  const wall = await openPage(browser, beryl.apiUrl, { path: '/services/tiny' })
  await signIn(wall.page, token)
  await wall.page.getByText('wall (viewer)').waitFor()
  await phaseIs('stabilizing', wall.page)
  const buttons = wall.page.locator('.actions button')
  assert.equal(await buttons.count(), 7)
  for (const one of await buttons.all()) {
    assert.equal(await one.getAttribute('aria-disabled'), 'true')
    await one.click({ force: true })
    await wall.page.locator('.why').getByText('needs the role operator').waitFor()
    assert.equal(await wall.page.getByRole('dialog').count(), 0)
  }
  assert.equal((await beryl.service()).can.rollback, null)
  const status = await wall.page.evaluate<number>(
    "fetch('/api/v1/services/tiny/rollback', { method: 'POST', body: '{}' }).then((answer) => answer.status)",
  )
  assert.equal(status, 403)
  await beryl.api('DELETE', '/tokens/wall')
  await wall.page.getByRole('heading', { name: 'Sign in' }).waitFor()
  assert.deepEqual(wall.wrong, [])
  await wall.page.context().close()
})

test('a rollback asks once, says what will happen, and takes a reason; script in it is shown as text, to everybody', async () => {
  const { id } = (await beryl.service()).release!
  await button('Roll back').click()
  await dialog().getByText('All live traffic leaves v2 at once').waitFor()
  await dialog().getByText('1 of 1 replica ready').waitFor()
  await dialog().getByLabel('Reason').fill(evil)
  await dialog().getByLabel('Move everything now').check()
  await dialog().getByRole('button', { name: 'Roll back now' }).click()
  for (const on of [page, other.page]) {
    await phaseIs('rolled-back', on)
    await on.getByText(evil).first().waitFor()
    await lane('blue', on).getByText('live', { exact: true }).waitFor()
  }
  await page.getByRole('link', { name: id, exact: true }).first().click()
  await page.getByRole('heading', { name: `Release ${id}` }).waitFor()
  await page.locator('.record').getByText(evil).first().waitFor()
  for (const on of [page, other.page]) {
    assert.equal(await on.evaluate('window.hacked'), undefined)
    assert.equal(await on.locator('img').count(), 0)
  }
  assert.equal((await beryl.release(id)).rolledBack?.why, evil)
  const { events } = await beryl.api<{ events: { data: { hard?: boolean } }[] }>(
    'GET',
    `/releases/${id}/report`,
  )
  assert.ok(events.some(({ data }) => data.hard === true))
})

test('a link to a release opens it after the sign-in; what its models answered is text', async () => {
  const { releases } = await beryl.api<{ releases: { id: string; phase: string }[] }>(
    'GET',
    '/services/tiny/history',
  )
  const { id } = releases.find(({ phase }) => phase === 'rejected')!
  const linked = await openPage(browser, beryl.apiUrl, { path: `/releases/${id}` })
  await linked.page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await linked.page.getByLabel('Token').fill(beryl.token)
  await linked.page.getByRole('button', { name: 'Sign in' }).click()
  await linked.page.getByRole('heading', { name: `Release ${id}` }).waitFor()
  await linked.page.getByRole('heading', { name: 'Worst disagreements' }).waitFor()
  await linked.page.locator('.differ pre').getByText(evil).first().waitFor()
  for (const name of ['a page', 'JSON']) {
    const download = linked.page.waitForEvent('download')
    await linked.page.getByRole('link', { name, exact: true }).click()
    const text = readFileSync(await (await download).path(), 'utf8')
    assert.ok(text.includes('is rejected'), name)
    assert.equal(text.includes(evil), false, name)
  }
  for (const name of ['history', 'versions', 'cost']) {
    await linked.page.goto(`${beryl.apiUrl}/services/tiny/${name}`)
    await linked.page
      .getByRole('navigation', { name: 'Pages of this service' })
      .getByRole('link', { name, exact: true })
      .and(linked.page.locator('[aria-current=page]'))
      .waitFor()
  }
  await linked.page
    .getByRole('cell', { name: 'r1' })
    .or(linked.page.getByRole('rowheader', { name: 'r1' }))
    .first()
    .waitFor()
  assert.equal(await linked.page.evaluate('window.hacked'), undefined)
  assert.deepEqual(linked.wrong, [])
  await linked.page.context().close()
})

test('the same by keyboard alone: deploy, approve, roll back', async () => {
  await page.goBack()
  await page.getByRole('heading', { name: 'tiny' }).waitFor()
  await tabTo(page, 'Deploy …')
  await page.keyboard.press('Enter')
  await dialog().waitFor()
  // Arrows, not letters: what two letters choose depends on how fast they come.
  const choice = dialog().getByLabel('Version')
  await page.keyboard.press('Home')
  for (let presses = 0; presses < 5 && (await choice.inputValue()) !== 'v2'; presses++)
    await page.keyboard.press('ArrowDown')
  await dialog().locator('dd').getByText('v1', { exact: true }).waitFor()
  assert.equal(await dialog().getByLabel('Version').inputValue(), 'v2')
  await tabTo(page, 'Deploy')
  await page.keyboard.press('Enter')
  await phaseIs('awaiting-approval')
  await tabTo(page, 'Approve')
  await page.keyboard.press('Enter')
  await tabTo(page, 'Approve')
  await page.keyboard.press('Enter')
  await phaseIs('stabilizing')
  await tabTo(page, 'Roll back')
  await page.keyboard.press('Space')
  await dialog().waitFor()
  // Escape leaves it, and the focus is where it was.
  await page.keyboard.press('Escape')
  assert.equal(await page.evaluate('document.activeElement.textContent.trim()'), 'Roll back')
  await page.keyboard.press('Enter')
  await dialog().waitFor()
  await page.keyboard.type('by keyboard')
  await page.keyboard.press('Enter')
  await phaseIs('rolled-back')
  const { events } = await beryl.api<{ events: { text: string }[] }>('GET', '/events?limit=1000')
  assert.ok(events.some(({ text }) => /rollback r\d+ \(by keyboard\)/.test(text)))
})

test('an older version is brought back by a release of its own, without the gates that it passed once', async () => {
  await button('Deploy …').click()
  await dialog().getByLabel('Version').selectOption('v2')
  await dialog().getByLabel('It is a way back').check()
  await dialog().getByRole('button', { name: 'Deploy', exact: true }).click()
  await page.getByText('a rollback to an older version takes readiness').waitFor()
  await button('Abort').click()
  await dialog().getByRole('button', { name: 'Stop the release' }).click()
  await phaseIs('aborted')
  const { releases } = await beryl.api<{ releases: { kind: string }[] }>(
    'GET',
    '/services/tiny/history?limit=1',
  )
  assert.equal(releases[0]!.kind, 'rollback')
})

test('the phase is told to screen readers when it changes', async () => {
  await page
    .locator('[aria-live=polite]')
    .getByText(/r\d+ is aborted/)
    .waitFor({ state: 'attached' })
})

test('a lost connection is shown, and comes back without signing in again', async () => {
  const lost = page.locator('.connection.lost').waitFor()
  beryl.kill('controller')
  await lost
  await page.getByText('connection lost, trying again').waitFor({ state: 'hidden' })
  await isLive(page)
  await lane('blue').getByText('live', { exact: true }).waitFor()
  await button('Deploy …').click()
  await dialog().getByRole('button', { name: 'Leave it' }).click()
})

test('a page that meets silence when it is opened says so, and goes on by itself', async () => {
  await page.route('**/api/v1/session', (route) => route.abort())
  await page.reload()
  await page.getByText('Beryl does not answer.').waitFor()
  await page.unroute('**/api/v1/session')
  await lane('blue').getByText('live', { exact: true }).waitFor()
})

test('a page that does not exist says so, and leads back', async () => {
  await page.goto(`${beryl.apiUrl}/services/nobody`)
  await page.getByText('there is no service nobody').waitFor()
  await page.goto(`${beryl.apiUrl}/releases/r999`)
  await page.getByText('there is no release r999').waitFor()
  await page.getByRole('link', { name: 'All services' }).click()
  await page.getByRole('link', { name: 'tiny' }).waitFor()
})

test('whoever signs out sees nothing, here or after a reload', async () => {
  await button('Sign out').click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  assert.equal(await page.getByText('tiny').count(), 0)
})

test('a page of another port of this machine cannot act with the cookie of whoever is signed in', async () => {
  await signIn(page, beryl.token)
  // The gateway is another origin of the same site: the browser sends the cookie along, and Beryl refuses it.
  const neighbour = await page.context().newPage()
  await neighbour.goto(`${beryl.gateway}/stream?count=1&every=1`)
  const said = neighbour.waitForRequest(/\/services\/tiny\/releases/)
  await neighbour.evaluate(
    `void fetch('${beryl.apiUrl}/api/v1/services/tiny/releases', { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"version":"v2"}' })`,
  )
  assert.equal((await (await said).response())?.status(), 403)
  assert.equal((await beryl.service()).release, null)
  await neighbour.close()
})
