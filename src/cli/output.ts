/** What is printed where: one JSON document, or text; colours only on a terminal that wants them. */
import { styleText } from 'node:util'

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
