/** Labels of an answer: one, or a list of them. */
import { createHash } from 'node:crypto'

/** A long text is no label, but a model may say one. */
const keptMaxLength = 200

/** `"1"` and 1 are two labels; null is none. */
export function labelsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((one) => one !== null).map(labelOf)
}

/** Null, or why this is no label and no list of them. */
export function wrongLabels(expected: unknown): string | null {
  const all: unknown[] = Array.isArray(expected) ? expected : [expected]
  return all.every((one) => ['string', 'number', 'boolean'].includes(typeof one))
    ? null
    : 'needs a label, or a list of labels, in "expected"'
}

function labelOf(value: unknown): string {
  const text = JSON.stringify(value)
  if (text.length <= keptMaxLength) return text
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16)
  return `${text.slice(0, keptMaxLength).toWellFormed()}…${digest}`
}
