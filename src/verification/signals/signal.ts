/** What is taken from answers for the guard: the words of this room. */
import type { ProtocolName } from '../../protocols/protocols.ts'

/** Where in an answer: a JSON path; null: the whole body, or the text that a language model wrote. */
export type Place = string | null

/** A yes/no signal answers "was this answer bad?"; a number lies between 0 and 1, larger is better; the others name a category. */
export type SignalSpec =
  | {
      kind: 'validity'
      /** What is judged; the whole answer where it is null. */
      answer: Place
      /** It must be JSON, or a text that is. */
      json: boolean
      /** The text of a JSON Schema that it must match. */
      schema: string | null
      nonEmpty: boolean
      /** Language models: how an answer may end; null: as `protocols/openai` takes for good. */
      finish: readonly string[] | null
      /** A regular expression: an answer that it fits refuses to answer. */
      refusal: string | null
    }
  /** With `matches`: does the pattern fit? Else the value itself, which must be true or false. `bad`: which of the two is bad. */
  | { kind: 'yesNo'; answer: Place; matches: string | null; bad: boolean }
  /** With `matches`: its first group, as a number. Outside of `from` and `to` it is none. */
  | {
      kind: 'number'
      answer: Place
      matches: string | null
      from: number
      to: number
      better: 'higher' | 'lower'
    }
  /** `digest` of the file: with another one it is another signal. `bad`: for yes/no; null: it is a number between 0 and 1. */
  | { kind: 'module'; file: string; digest: string; bad: boolean | null }
  | { kind: 'category'; of: 'category' | 'length' | 'number'; answer: Place }
  /** Of a language model's stream, in ms; whole answers say nothing about it. */
  | { kind: 'time'; of: 'firstToken' | 'perToken' }

/** Of one service; `id` is handed back with every verdict: one by other rules is of no use. */
export type SignalSettings = {
  id: string
  protocol: ProtocolName
  signals: Readonly<Record<string, SignalSpec>>
}

/** Null: this answer gives no such value (no number, no such field, a module that threw). */
export type SignalValue = boolean | number | string | null

/** What one answer said. Its key is (gateway's run, service, seq), and whether it is the copy's. */
export type SignalVerdict = {
  id: string
  service: string
  release: string
  run: string
  seq: number
  isCopy: boolean
  replica: string
  share: number | null
  client: number
  /** When the request was assigned; wall, ms. */
  at: number
  /** Nothing where the answer is none: an error, a status that is not 2xx. */
  values: Readonly<Record<string, SignalValue>>
}

/** `GET /signals/verdicts?run=R&after=N`: `next` is handed back as `after`, and lets go of everything up to it. */
export type SignalVerdicts = {
  /** Of this examiner. */
  run: string
  next: number
  items: readonly SignalVerdict[]
}
