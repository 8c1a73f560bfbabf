/** `"model_name"` and `"model_version"` of a ModelInfer, as gates write it. A message that stayed bytes stays. */
import { pathOf } from '../protocol.ts'
import type { Asking, ServedName } from '../renamed.ts'
import { replaced } from '../text-in-json.ts'
import { inferPath } from './kserve-messages.ts'

/** Null where it names another model, or nothing of it has another name. */
export function grpcRenamed(asking: Asking, from: ServedName, to: ServedName): Asking | null {
  if (pathOf(asking) !== inferPath || from.model === null || to.model === null) return null
  const named = replaced(asking.body, 'model_name', from.model, to.model)
  if (named === null) return null
  const versioned =
    from.version === null || to.version === null
      ? null
      : replaced(named, 'model_version', from.version, to.version)
  const body = versioned ?? named
  return body.equals(asking.body) ? null : { ...asking, body }
}
