/** `beryl apply`: what an edited manifest changes, and when; then it is done, whole or not at all. */
import { loadManifest } from '../../config/load.ts'
import { apiClient, reach } from '../../api/client.ts'
import type { ApplyView } from '../../api/shapes.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { count, paint, say } from '../output.ts'

export async function apply(
  globals: Globals,
  { file, dryRun, remove }: { file: string; dryRun: boolean; remove: boolean },
): Promise<number> {
  // Read here first: what is wrong with it is said with its own name and lines.
  const { text } = await loadManifest(file)
  const view = await apiClient(reach({ ...globals, file })).apply(text, { dryRun, remove })
  say(globals.json, view, applyText(view, file))
  const isRefused = view.changes.some(({ when }) => when === 'refused')
  return isRefused ? exitCodes.error : exitCodes.done
}

export function applyText({ applied, changes }: ApplyView, file: string): string {
  if (changes.length === 0) return `${file} changes nothing.\nNext: beryl status`
  const lines = changes.map(({ path, from, to, when, because }) => {
    const what =
      from === undefined
        ? `+ ${short(to)}`
        : to === undefined
          ? `- ${short(from)}`
          : `${short(from)} → ${short(to)}`
    const sort = when === 'refused' ? paint('red', when) : paint('cyan', when)
    return `  ${sort.padEnd(12)} ${path}: ${what}${because === undefined ? '' : `   (${because})`}`
  })
  const refused = changes.filter(({ when }) => when === 'refused').length
  const next =
    refused > 0
      ? `Next: mend ${count(refused, 'refused change')}; nothing is applied while there is one`
      : applied
        ? 'Next: beryl status'
        : `Next: beryl apply -f ${file}`
  return [applied ? 'Applied:' : 'Would change:', ...lines, next].join('\n')
}

function short(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`
}
