/** `freeze` and `unfreeze`: nothing switches forward meanwhile, of one service or of all. A way back is never held. */
import type { FreezeAsked, Operations } from '../api/operations.ts'
import type { FreezeView } from '../api/shapes.ts'
import { ProblemError } from '../ipc/problem.ts'
import type { Now } from '../release/release.ts'
import { everything } from '../storage/freezes.ts'
import type { Freeze } from '../storage/freezes.ts'
import type { ControllerStore } from './store.ts'

type Sources = { store: Pick<ControllerStore, 'freezes'>; now: () => Now }

/** Those of everything, and of this service. */
export function freezesOf({ store, now }: Sources, service: string): FreezeView[] {
  return store.freezes
    .at(now().wall)
    .filter(({ scope }) => scope === everything || scope === service)
    .map(viewOf)
}

export function freezeOperations({
  store,
  now,
  named,
  changed,
}: Sources & {
  /** @throws ProblemError for a service that there is none of */
  named: (service: string) => string
  changed: () => void
}): Operations['freezes'] {
  return {
    all: () => store.freezes.at(now().wall).map(viewOf),

    /** Again for the same: the new reason and time hold. */
    freeze(target, { reason, forS }: FreezeAsked, by) {
      if (reason === null || reason.trim() === '') throw needsReason(target)
      const scope = target === null ? everything : named(target)
      const at = now().wall
      const until = forS === null ? null : at + Math.round(forS * 1000)
      const till = until === null ? '' : `, until ${new Date(until).toISOString()}`
      const freeze = { scope, by, reason: reason.trim(), at, until }
      store.freezes.put(freeze, event(freeze, 'freeze', `${by} froze ${nameOf(scope)}${till}`))
      changed()
      return viewOf(freeze)
    },

    unfreeze(target, by) {
      const scope = target === null ? everything : named(target)
      const held = store.freezes.at(now().wall)
      const found = held.find((one) => one.scope === scope)
      if (found === undefined) throw notFrozen(scope, held)
      const lifted = { ...found, by, at: now().wall }
      store.freezes.remove(scope, event(lifted, 'unfreeze', `${by} unfroze ${nameOf(scope)}`))
      changed()
      return viewOf(found)
    },
  }
}

function event({ scope, by, reason, at, until }: Freeze, command: string, what: string) {
  const text = command === 'freeze' ? `${what} (${reason})` : what
  const data = { command, reason, until }
  return { at, service: scope, release: null, kind: 'command', by, text, data }
}

function viewOf({ scope, ...rest }: Freeze): FreezeView {
  return { service: scope === everything ? null : scope, ...rest }
}

function nameOf(scope: string): string {
  return scope === everything ? 'everything' : scope
}

function needsReason(target: string | null): ProblemError {
  return new ProblemError({
    status: 400,
    code: 'needs-reason',
    title: 'a freeze holds others up and needs a reason: it is shown with your name',
    hint: `beryl freeze${target === null ? '' : ` ${target}`} --reason WHY`,
  })
}

function notFrozen(scope: string, held: readonly Freeze[]): ProblemError {
  const names = held.map((one) => nameOf(one.scope))
  return new ProblemError({
    status: 409,
    code: 'not-frozen',
    title: `${scope === everything ? 'not everything' : scope} is ${scope === everything ? 'frozen' : 'not frozen by itself'}${names.length === 0 ? '; nothing is' : `; frozen: ${names.join(', ')}`}`,
    hint:
      held.length === 0
        ? 'beryl status'
        : `beryl unfreeze${held[0]!.scope === everything ? '' : ` ${held[0]!.scope}`}`,
  })
}
