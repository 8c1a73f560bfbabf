/** What the pages show is true: manifests are accepted, commands and files exist. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { menu } from '../src/cli/menu.ts'
import { manifest } from '../src/config/manifest.ts'
import { notBuilt } from '../src/config/not-built.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const pages = ['*.md', 'docs/**/*.md', 'examples/*/*.md'].flatMap((pattern) =>
  globSync(pattern, { cwd: root }),
)

for (const page of pages) {
  const text = readFileSync(join(root, page), 'utf8')

  test(`${page}: every manifest it shows is accepted`, () => {
    for (const [, block] of text.matchAll(/```yaml\n([\s\S]*?)```/g)) {
      const shown: unknown = parse(block!)
      assert.deepEqual(notBuilt(shown), [])
      const { error } = manifest.safeParse(shown)
      assert.equal(error, undefined, `${block}\n${error?.message}`)
    }
  })

  test(`${page}: every file it links to exists`, () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, to]) => to!)
    assert.deepEqual(
      links.filter((to) => !existsSync(join(root, dirname(page), to))),
      [],
    )
  })

  test(`${page}: every command it names exists`, () => {
    const named = [...text.matchAll(/`(?:npm run beryl -- |beryl )([a-z]+)/g)].map(
      ([, verb]) => verb!,
    )
    const scripts = Object.keys(
      (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }).scripts,
    )
    const run = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script!)
    assert.deepEqual(
      named.filter((verb) => !(verb in menu)),
      [],
    )
    assert.deepEqual(
      run.filter((script) => !scripts.includes(script)),
      [],
    )
  })
}
