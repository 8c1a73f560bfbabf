/** What a version's server calls what it serves, as far as its plan says it; and what one must be called in place of the other. */
import { metadataMethod } from '../../protocols/grpc/kserve-messages.ts'
import type { Renames, ServedName } from '../../protocols/renamed.ts'
import { modelsPath } from '../../protocols/openai/models.ts'
import { metadataOf } from '../../protocols/kserve-v2.ts'
import type { Target } from '../../verification/gate.ts'
import type { Plan } from '../plan.ts'

type Named = { protocol: Renames['protocol']; name: ServedName }

/** Each with what the other is called, where they are not called the same. */
export function withRenames(
  candidate: { target: Target; plan: Plan },
  live: { target: Target; plan: Plan | null } | null,
): { candidate: Target; live: Target | null } {
  const [own, other] = [servedName(candidate.plan), live?.plan ? servedName(live.plan) : null]
  const plain = { candidate: candidate.target, live: live?.target ?? null }
  if (live === null || own === null || other === null || own.protocol !== other.protocol)
    return plain
  if (own.name.model === other.name.model && own.name.version === other.name.version) return plain
  const { protocol } = own
  return {
    candidate: { ...candidate.target, renames: { protocol, from: other.name, to: own.name } },
    live: { ...live.target, renames: { protocol, from: own.name, to: other.name } },
  }
}

/** By `ready.model`, or what the identity gate asks for; null where neither says it. */
export function servedName({ template, gates }: Pick<Plan, 'template' | 'gates'>): Named | null {
  const openai = (model: string): Named => ({ protocol: 'openai', name: { model, version: null } })
  if (template.ready.model !== undefined) return openai(template.ready.model)
  const identity = Object.values(gates).find((spec) => spec.kind === 'identity')
  if (identity?.kind !== 'identity') return null
  if (identity.request.path === modelsPath) return openai(identity.is)
  if (identity.request.path === metadataMethod) {
    const { name } = identity.body as { name: string }
    return { protocol: 'grpc', name: { model: name, version: identity.is } }
  }
  const model = metadataOf(identity.request.path)
  return model === null ? null : { protocol: 'kserve-v2', name: { model, version: identity.is } }
}
