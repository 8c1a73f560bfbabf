/** A real Chromium, and pages of it that are signed in and watched: what breaks the policy of the page is kept. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

/** Longer than any step takes on a busy machine. */
const stepMs = 30_000

/** @throws Error when there is none: a test in a browser that does not run must not look like one that passed */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] })
}

function findChromium(): string {
  const asked = process.env['BERYL_CHROMIUM']
  const names = ['chromium', 'chromium-browser', 'google-chrome']
  const files =
    asked === undefined
      ? (process.env['PATH'] ?? '')
          .split(delimiter)
          .flatMap((path) => names.map((name) => join(path, name)))
      : [asked]
  const found = files.find(isProgram)
  if (found !== undefined) return found
  throw new Error(
    'no Chromium was found: install one (Debian: `apt-get install chromium`), or name it in BERYL_CHROMIUM',
  )
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export type Watched = {
  page: Page
  /** What went wrong in the page, and each request that left this machine's Beryl. */
  wrong: string[]
}

/** A window of its own, with nothing of another's. */
export async function openPage(
  browser: Browser,
  apiUrl: string,
  { path = '/', ...options }: BrowserContextOptions & { path?: string } = {},
): Promise<Watched> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  page.setDefaultTimeout(stepMs)
  const wrong: string[] = []
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (/Content Security Policy|TrustedHTML/i.test(message.text())) wrong.push(message.text())
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(`${apiUrl}/`)) wrong.push(`request: ${request.url()}`)
  })
  await page.goto(`${apiUrl}${path}`)
  return { page, wrong }
}

export async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await isLive(page)
}

export function isLive(page: Page): Promise<void> {
  return page.locator('.connection.live').waitFor()
}

/** Goes on with the Tab key until what has this role and name has the focus, as somebody without a mouse does. */
export async function tabTo(page: Page, name: string): Promise<void> {
  const stepsMax = 80
  const seen: string[] = []
  for (let step = 0; step < stepsMax; step++) {
    await page.keyboard.press('Tab')
    const reached = await page.evaluate<string>(
      '(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()',
    )
    if (reached === name) return
    seen.push(reached.slice(0, 30))
  }
  throw new Error(`no Tab leads to ${JSON.stringify(name)}; it led to ${seen.join(' | ')}`)
}
