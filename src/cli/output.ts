/** What is printed where: one JSON document, or text; colours only on a terminal that wants them. */
import { stripVTControlCharacters, styleText } from 'node:util'

export function say(
  json: boolean,
  document: unknown,
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): void {
  stream.write(json ? `${JSON.stringify(document, null, 2)}\n` : `${harmless(text)}\n`)
}

/** `beryl history chat | head -3`: who reads no more has what they wanted. */
export function endQuietlyWithThePipe(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit()
    })
}

/** For what has to end in order: a terminal or a reader that has gone away is no reason to stop in the middle of it. */
export function goOnWithoutReaders(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.removeAllListeners('error').on('error', () => {})
}

/** `1 replica`, `2 replicas` */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

export type Colour = 'green' | 'red' | 'yellow' | 'dim' | 'bold' | 'cyan'

/** Honours NO_COLOR, and pipes. */
export function paint(colour: Colour, text: string): string {
  return process.stdout.isTTY && !process.env['NO_COLOR']
    ? styleText(colour, text, { validateStream: false })
    : text
}

/**
 * Columns as wide as their widest cell, two spaces apart; nothing behind the last. The same in a pipe, without colours.
 * @param rows cells may be coloured; a row may have fewer cells than others
 * @param heads names of the columns; none where there is no row
 */
export function table(rows: readonly (readonly string[])[], heads?: readonly string[]): string[] {
  if (rows.length === 0) return []
  const all = heads === undefined ? rows : [heads.map((head) => paint('dim', head)), ...rows]
  const widths: number[] = []
  for (const row of all)
    for (const [index, cell] of row.entries())
      widths[index] = Math.max(widths[index] ?? 0, widthOf(cell))
  return all.map((row) =>
    row
      .map((cell, index) => cell + ' '.repeat(widths[index]! - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  )
}

/** What a reader takes for one character. */
const characters = new Intl.Segmenter()

function widthOf(cell: string): number {
  return Array.from(characters.segment(stripVTControlCharacters(cell))).length
}

/** The first line of a reason; the rest (log lines) stands in the record. */
export function firstLine(text: string): string {
  return text.split('\n')[0] ?? ''
}

/** One line to standard output, no faster than it is read. */
export async function writeLine(text: string): Promise<void> {
  if (process.stdout.write(`${text}\n`)) return
  await new Promise((resolve) => process.stdout.once('drain', resolve))
}

/** Select Graphic Rendition (ECMA-48 §8.3.117), as `paint` writes it. */
const colour = new RegExp(`(${String.fromCharCode(27)}\\[\\d{1,2}m)`, 'u')

/** Reasons hold what models and people wrote: on a terminal it must move no cursor and ring no bell. Lines and colours stay. */
export function harmless(text: string): string {
  return text
    .split(colour)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(/[^\P{Cc}\n]/gu, '�')))
    .join('')
}
