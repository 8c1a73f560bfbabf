/** `beryl demo`: the whole story with real models. Every line is measured; what does not happen makes it fail. */
import { langid } from '../demo/stories/langid.ts'
import { mobyPico } from '../demo/stories/moby-pico.ts'
import { tell } from '../demo/tell.ts'
import type { Globals } from '../main.ts'

/** @param llm with a language model and streams in place of a classifier */
export function demo(
  globals: Globals,
  { keep, llm }: { keep: boolean; llm: boolean },
): Promise<number> {
  return tell(globals, keep, llm ? mobyPico : langid)
}
