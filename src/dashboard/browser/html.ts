/**
 * Markup as templates; what stands between braces is text, whatever it holds: Preact makes nodes of it, never HTML.
 *
 * A line break counts as one space, as in HTML (and as the formatter, which breaks lines, takes it to be); htm alone would join
 * the words around it.
 */
import htm from 'htm'
import { h } from 'preact'
import type { VNode } from 'preact'

type Markup = (strings: readonly string[], ...values: unknown[]) => VNode<any>

// Its types are those of its CommonJS form; what browsers load is the module, whose default is the function.
const build = (htm as unknown as { bind(create: typeof h): Markup }).bind(h)

/** htm knows a template by its strings. */
const known = new WeakMap<readonly string[], readonly string[]>()

export function html(strings: TemplateStringsArray, ...values: unknown[]): VNode<any> {
  let spaced = known.get(strings)
  if (spaced === undefined) known.set(strings, (spaced = withSpaces(strings)))
  return build(spaced, ...values)
}

function withSpaces(strings: readonly string[]): readonly string[] {
  const last = strings.length - 1
  return strings.map((text, index) => {
    const begun = index === 0 ? text.trimStart() : text
    return (index === last ? begun.trimEnd() : begun).replace(/\s*\n\s*/g, ' ')
  })
}
