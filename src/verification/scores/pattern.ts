/** A regular expression with a time limit: the text comes from a model, and some patterns take years on some texts. */
import { createContext, Script } from 'node:vm'

/** For one text. */
const matchMs = 250

/** Only the time limit is wanted of the context; nothing in it is foreign code. */
const context = createContext({ pattern: '', text: '' })
const script = new Script('new RegExp(pattern, "u").test(text)')
const capturing = new Script('new RegExp(pattern, "u").exec(text)?.[1] ?? null')

/** Null, or why the pattern is none. */
export function wrongWithPattern(pattern: string): string | null {
  try {
    void new RegExp(pattern, 'u')
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** @throws Error when there is no answer in 250 ms */
export function matches(pattern: string, text: string): boolean {
  return run(script, pattern, text) === true
}

/** What its first group holds; null where it does not fit, or has none. @throws Error as `matches` */
export function found(pattern: string, text: string): string | null {
  const group: unknown = run(capturing, pattern, text)
  return typeof group === 'string' ? group : null
}

function run(what: Script, pattern: string, text: string): unknown {
  try {
    Object.assign(context, { pattern, text })
    return what.runInContext(context, { timeout: matchMs })
  } catch (cause) {
    throw new Error(
      `the pattern ${pattern.slice(0, 80)} took longer than ${matchMs} ms on an answer of ${text.length} characters: make it simpler, or anchor it`,
      { cause },
    )
  }
}
