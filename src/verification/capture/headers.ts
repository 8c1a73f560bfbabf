/** Header lines as the gateway taps them. */
import type { Header } from './redact.ts'

export function headersIn(lines: string): Header[] {
  return lines
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line): Header => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).trim()]
    })
}

export function headerOf(headers: readonly Header[], name: string): string {
  return headers
    .filter(([one]) => one.toLowerCase() === name)
    .map(([, value]) => value)
    .join(', ')
}
