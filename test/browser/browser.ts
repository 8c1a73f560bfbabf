/** A real Chromium, and pages of it that are signed in. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

/** Longer than any step takes on a busy machine. */
export const stepMs = 20_000

/** @throws Error when there is none: a browser test that does not run must not look like one that passed */
export async function openBrowser(): Promise<Browser> {
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
  const found = files.find((file) => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  if (found !== undefined) return found
  throw new Error(
    'no Chromium was found: install one (Debian: `apt-get install chromium`), or name it in BERYL_CHROMIUM',
  )
}

export type Signed = { page: Page; close(): Promise<void> }

/** A browser window of its own, signed in by hand. */
export async function signedIn(
  browser: Browser,
  { apiUrl, token }: { apiUrl: string; token: string },
  { path = '/', ...options }: BrowserContextOptions & { path?: string } = {},
): Promise<Page> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  page.setDefaultTimeout(stepMs)
  await page.goto(`${apiUrl}${path}`)
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('live', { exact: true }).first().waitFor()
  return page
}
