/** `"model"` in the body of a request, whichever path it goes to. A form (`multipart/form-data`) is no JSON and stays. */
import type { Asking, ServedName } from '../renamed.ts'
import { replaced } from '../text-in-json.ts'

/** Null where it names another model, or none. */
export function openaiRenamed(asking: Asking, from: ServedName, to: ServedName): Asking | null {
  if (from.model === null || to.model === null || from.model === to.model) return null
  const body = replaced(asking.body, 'model', from.model, to.model)
  return body === null ? null : { ...asking, body }
}
