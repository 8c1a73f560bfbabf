/** Tokens → text that may be shown: whole characters only, and nothing that may turn out to be the beginning of a stop text. */

export type TextOut = {
  /** The text that is certain now; empty while a character or a stop text is under way. */
  take(bytes: Uint8Array): string
  /** What was held back, when nothing more comes. */
  rest(): string
  /** A stop text has come: what stood before it was given out, nothing more will be. */
  readonly stopped: boolean
}

export function textOut(stops: readonly string[]): TextOut {
  const decoder = new TextDecoder()
  let held = ''
  let stopped = false
  return {
    take(bytes) {
      held += decoder.decode(bytes, { stream: true })
      const found = stops.map((stop) => held.indexOf(stop)).filter((at) => at >= 0)
      if (found.length > 0) {
        stopped = true
        return held.slice(0, Math.min(...found))
      }
      const certain = held.length - longestBeginning(held, stops)
      const text = held.slice(0, certain)
      held = held.slice(certain)
      return text
    },
    rest: () => (stopped ? '' : held + decoder.decode()),
    get stopped() {
      return stopped
    },
  }
}

/** How many characters at the end of the text are the beginning of a stop text. */
function longestBeginning(text: string, stops: readonly string[]): number {
  return Math.max(
    0,
    ...stops.map((stop) => {
      let length = Math.min(stop.length - 1, text.length)
      while (length > 0 && !text.endsWith(stop.slice(0, length))) length--
      return length
    }),
  )
}
