/** What a gate gets to work with, and the bounds of what it may answer. */
import type { Verdict } from '../release/release.ts'

export type Examination = {
  /** Aborted when its time is over or it is cancelled; the reason is an Error whose message is ready to be shown. */
  signal: AbortSignal
  /** Says how far it is: a few words. */
  progress: (text: string) => void
}

/** A verdict is journalled and sent around: it stays small whatever a model, a file or a user's module said. */
const evidenceMaxBytes = 64 * 1024
const becauseMaxLength = 1000

export function undecided(because: string, evidence: Record<string, unknown> = {}): Verdict {
  return { verdict: 'undecided', because, evidence }
}

/** The same verdict, small enough: the longest list of the evidence is halved until it fits, and `shortened` says so. */
export function bounded({ verdict, because, evidence }: Verdict): Verdict {
  let fitting = evidence
  while (bytesOf(fitting) > evidenceMaxBytes) fitting = shortened(fitting)
  return { verdict, because: short(because, becauseMaxLength), evidence: fitting }
}

/** Text or JSON text of a value, cut at `length` characters. */
export function short(value: unknown, length: number): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')
  // A cut may fall between the halves of a character.
  return text.length > length ? `${text.slice(0, length).toWellFormed()}…` : text.toWellFormed()
}

function shortened(evidence: Record<string, unknown>): Record<string, unknown> {
  const [longest] = Object.entries(evidence)
    .filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]) && entry[1].length > 0)
    .toSorted(([, a], [, b]) => bytesOf(b) - bytesOf(a))
  if (longest === undefined) return { shortened: 'the evidence was too large to keep' }
  const [key, list] = longest
  return {
    ...evidence,
    [key]: list.slice(0, Math.floor(list.length / 2)),
    shortened: `lists were cut to stay below ${evidenceMaxBytes} bytes`,
  }
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}
