/** What is compared, how, and what is found: the words of this room. */

/** An answer as it came. Status 0: there was no whole answer (no connection, too late, cut). */
export type Answer = {
  status: number
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>
  /** Whole, and without any content-encoding. */
  body: Uint8Array | string
}

/** How two answers to the same request are compared. Paths are those of json-path.ts; each stands for all below it. */
export type Comparison = {
  /** `http`: JSON where both say so, else text or bytes; `json`: must be JSON; `openai`: streams are put together first; `kserve-v2`: outputs by their names; `grpc`: these too, and messages that are not read by their bytes. */
  protocol: 'http' | 'json' | 'openai' | 'kserve-v2' | 'grpc'
  /** Fields that do not count: ids, times. `openai` has its own besides. */
  ignore: readonly string[]
  /** The first path that fits counts; numbers within either tolerance are equal. Without one: `usualTolerance`. */
  tolerances: readonly { path: string; absolute: number; relative: number }[]
  /** `exact`, or how similar two texts (0 to 1) must be to count as equal; less is a difference by degrees. */
  text: 'exact' | { similar: number }
}

/** How alike two texts are, 0 to 1. */
export type TextLikeness = (a: string, b: string) => number

export type DifferenceKind =
  /** No answer from one of the two, or another status: nothing else is compared then. */
  | 'status'
  /** Another content type, or one of the two is not what the protocol says. */
  | 'form'
  /** A field of live's answer that the candidate's lacks. */
  | 'missing'
  | 'extra'
  | 'type'
  | 'number'
  /** Words and names: equal or not. Booleans too. */
  | 'label'
  | 'text'
  /** Scored labels: order, or what is on the list. */
  | 'ranking'
  /** An embedding. */
  | 'vector'
  | 'length'
  /** Other tools, or other arguments. */
  | 'toolCall'
  /** Too large or too deep to be compared whole: never called equal. */
  | 'tooLarge'

export type Difference = {
  /** With array indexes generalised: `$.choices[*].message.content`; `status` and `content-type` for what is no body. */
  field: string
  /** The place itself: `$.choices[0].message.content`. */
  at: string
  kind: DifferenceKind
  /** Above 0, at most 1. Only texts and rankings differ by degrees. */
  distance: number
  /** Cut, for people. */
  a: string
  b: string
}

/** What floating-point numbers lose on their way through another batch or library. */
export const usualTolerance = { absolute: 1e-9, relative: 1e-6 }

/** Of a value in a difference: characters. */
export const shownLength = 300
