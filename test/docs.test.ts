/** What the pages show is true: manifests are accepted, commands and files exist. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { menu } from '../src/cli/menu.ts'
import { programOf } from '../src/cli/program.ts'
import { manifest } from '../src/config/manifest.ts'
import { reference } from '../src/cli/reference.ts'
import { notBuilt } from '../src/config/not-built.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const pages = ['*.md', 'docs/**/*.md', 'examples/*/*.md'].flatMap((pattern) =>
  globSync(pattern, { cwd: root }),
)

/** `SERVICE`, `D`, `[--wait]`: what a reader puts something in the place of, or may leave out. */
function typed(line: string): string[] {
  const words = line
    .replace(/\s+(&|[#(].*)$/, '')
    .replace(/\\\|/g, '|')
    .split(/\s*(?:\||&&|;|>|<)\s+/)[0]!
    .match(/"[^"]*"|'[^']*'|\[[^\]]*\]|\S+/g)
  return (words ?? [])
    .filter((word) => !word.startsWith('[') && word !== '…')
    .map((word) => word.replace(/^["']|["']$/g, '').split('|')[0]!)
}

/** Every command line that is shown: in fences, and between backticks with something behind the verb. */
function commandLines(text: string): string[] {
  const fenced = [...text.matchAll(/```(?:sh|console|bash)\n([\s\S]*?)```/g)].flatMap(([, block]) =>
    block!.split('\n').map((line) => line.replace(/^\$ /, '')),
  )
  const inline = [...text.matchAll(/`((?:npm run beryl -- |beryl )[^`]+)`/g)].map(
    ([, line]) => line!,
  )
  return [...fenced, ...inline]
    .map((line) =>
      line
        .trim()
        .replace(/^npm run beryl -- /, 'beryl ')
        .replace(/^([A-Z_]+=\S+ )+/, ''),
    )
    .filter((line) => /^beryl [a-z]/.test(line))
    .map((line) => line.slice('beryl '.length))
}

/** Null: it is understood as it stands. */
async function whyNot(line: string): Promise<string | null> {
  const args = typed(line)
  const program = programOf(args, () => async () => {})
  program.configureOutput({ outputError: () => {}, writeErr: () => {}, writeOut: () => {} })
  try {
    await program.parseAsync(args, { from: 'user' })
    return null
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    // A sentence may name a command without what it takes.
    const isPart = /^commander\.(missingArgument|optionMissingArgument|help)/.test(code ?? '')
    return isPart ? null : message
  }
}

test('the commands that the help shows are understood as they stand', async () => {
  for (const { examples } of Object.values(menu))
    for (const line of examples.filter((one) => one.startsWith('beryl ')))
      assert.equal(await whyNot(line.slice('beryl '.length)), null, line)
})

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

  test(`${page}: every command line it shows is understood by the CLI's own options`, async () => {
    for (const line of commandLines(text)) {
      const why = await whyNot(line)
      assert.equal(why, null, `beryl ${line}`)
    }
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

test('the reference is made of the schemas, routes and commands as they are now: npm run docs:reference', () => {
  const flat = (text: string) => text.replace(/ +/g, ' ').replace(/-{3,}/g, '---').trim()
  const written = readFileSync(join(root, 'docs/reference.md'), 'utf8')
  assert.equal(flat(written), flat(reference()))
})
