/** What browsers are given: the right files, under a policy that lets nothing else run, and nothing beside them. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { dashboard } from './pages.ts'

const pages = dashboard()
const ask = (path: string, init: RequestInit = {}) =>
  pages(new Request(new URL(path, 'http://127.0.0.1:8090'), init))

async function textAt(path: string): Promise<string> {
  const answer = ask(path)
  assert.ok(answer, path)
  assert.equal(answer.status, 200, path)
  return answer.text()
}

/** Every file that the page names, by itself or through its modules. */
async function allFiles(): Promise<Map<string, { type: string; text: string; gzipped: number }>> {
  const page = await textAt('/')
  const paths = new Set([...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path]) => path!))
  return new Map(
    await Promise.all(
      [...paths].map(async (path) => {
        const small = await ask(path, { headers: { 'accept-encoding': 'gzip' } })!.arrayBuffer()
        const type = ask(path)!.headers.get('content-type')!
        return [path, { type, text: await textAt(path), gzipped: small.byteLength }] as const
      }),
    ),
  )
}

test('the page and its files come with their types, and may not be guessed to be something else', async () => {
  const types = new Set<string>()
  for (const [path, { type }] of await allFiles()) {
    types.add(`${path.slice(path.lastIndexOf('.'))} ${type}`)
    assert.equal(ask(path)!.headers.get('x-content-type-options'), 'nosniff')
  }
  assert.deepEqual([...types].toSorted(), [
    '.css text/css; charset=utf-8',
    '.js text/javascript; charset=utf-8',
    '.mjs text/javascript; charset=utf-8',
    '.svg image/svg+xml',
  ])
  assert.equal(ask('/')!.headers.get('content-type'), 'text/html; charset=utf-8')
})

test('everything together is below 100 KB as it travels', async () => {
  const files = await allFiles()
  const bytes = [...files.values()].reduce((sum, { gzipped }) => sum + gzipped, 0)
  assert.ok(files.size > 20, `${files.size} files`)
  assert.ok(bytes > 20_000 && bytes < 100_000, `${bytes} bytes`)
})

test('the policy lets run what is served here and the import map, by its hash; nothing is fetched from elsewhere', async () => {
  const policy = ask('/')!.headers.get('content-security-policy')!
  const page = await textAt('/')
  const inline = [...page.matchAll(/<script(?![^>]*src=)[^>]*>([\s\S]*?)<\/script>/g)]
  assert.equal(inline.length, 1)
  const hash = createHash('sha256').update(inline[0]![1]!).digest('base64')
  assert.match(policy, /default-src 'none'/)
  assert.ok(policy.includes(`script-src 'self' 'sha256-${hash}'`), policy)
  assert.doesNotMatch(policy, /unsafe|https?:|\*/)
  for (const rule of ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"])
    assert.ok(policy.includes(rule), rule)
  assert.doesNotMatch(page, /\sstyle=|\son\w+=/)
  for (const [path, { text, type }] of await allFiles()) {
    assert.ok(path.startsWith('/dashboard/'), path)
    if (type.startsWith('text/css')) assert.doesNotMatch(text, /url\(|@import/, path)
  }
})

test('every module finds what it imports, and no type is left in it', async () => {
  const files = await allFiles()
  const page = await textAt('/')
  const { imports } = JSON.parse(/importmap">(.*?)<\/script>/.exec(page)![1]!) as {
    imports: Record<string, string>
  }
  let seen = 0
  for (const [path, { text, type }] of files) {
    if (!type.startsWith('text/javascript')) continue
    assert.doesNotMatch(text, /^import type|\.ts'|sourceMappingURL/m, path)
    for (const [, wanted] of text.matchAll(/\b(?:from|import)\s*["']([./@\w-]+)["']/g)) {
      const found = wanted!.startsWith('./') ? `/dashboard/${wanted!.slice(2)}` : imports[wanted!]
      assert.ok(found !== undefined && files.has(found), `${path} imports ${wanted}`)
      seen++
    }
  }
  assert.ok(seen > 80, `${seen} imports`)
})

test('nothing but those files is reached, by whatever path', () => {
  for (const path of [
    '/dashboard/',
    '/dashboard/main.ts',
    '/dashboard/story.test.ts',
    '/dashboard/story.test.js',
    '/dashboard/tsconfig.json',
    '/dashboard/../server.ts',
    '/dashboard/..%2f..%2fserver.ts',
    '/dashboard/%2e%2e/pages.ts',
    '/dashboard/..\\pages.ts',
    '/dashboard//etc/passwd',
    '/dashboard/constructor',
    '/dashboard/__proto__',
    '/services/a/b',
    '/services/a/history/b',
    '/releases/r1/history',
    '/services/',
    '/api/v1/services',
    '/healthz',
    '/index.html',
  ])
    assert.equal(ask(path), null, path)
  assert.equal(ask('/', { method: 'POST' }), null)
})

test('a page is the same at each of its addresses: what it shows comes later, to whoever is signed in', async () => {
  const page = await textAt('/')
  assert.equal(await textAt('/services/chat'), page)
  for (const name of ['history', 'versions', 'cost'])
    assert.equal(await textAt(`/services/chat/${name}`), page)
  assert.equal(await textAt('/releases/r12'), page)
})

test('what a browser has already is not sent again, and what is sent small is the same', async () => {
  const whole = await textAt('/dashboard/main.js')
  const small = ask('/dashboard/main.js', { headers: { 'accept-encoding': 'br, gzip' } })!
  assert.equal(small.headers.get('content-encoding'), 'gzip')
  assert.equal(gunzipSync(await small.arrayBuffer()).toString(), whole)
  const etag = small.headers.get('etag')!
  const again = ask('/dashboard/main.js', { headers: { 'if-none-match': etag } })!
  assert.equal(again.status, 304)
  assert.equal(await again.text(), '')
  assert.equal(await ask('/', { method: 'HEAD' })!.text(), '')
})
