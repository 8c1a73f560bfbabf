/**
 * Tells others what happens, outside of the loop: from the record by a durable cursor, each receiver in a line of its own.
 * At least once, with the event's id; a receiver that is slow or dead delays nobody but itself.
 */
import { createHash } from 'node:crypto'
import type { NotificationsView } from '../api/shapes.ts'
import { receiverOf } from '../config/notifications.ts'
import type { NotificationManifest } from '../config/notifications.ts'
import { log } from '../log.ts'
import type { Release } from '../release/release.ts'
import type { Delivery, deliveriesIn } from '../storage/deliveries.ts'
import type { eventsIn } from '../storage/events.ts'
import { cloudEvent, slack, variables } from './message.ts'
import type { Message } from './message.ts'
import { run } from './run.ts'
import { send } from './send.ts'
import type { Sent } from './send.ts'
import { signed } from './sign.ts'
import { toldBy } from './told-by.ts'

const pageMax = 200
const deadShownMax = 100
/** Of a command that says nothing else. */
const usualWithinS = 30

const usual = {
  lookEveryMs: 500,
  timeoutMs: 5000,
  firstWaitMs: 5000,
  waitMaxMs: 3600_000,
  giveUpMs: 24 * 3600_000,
  /** After a write that failed: what was told is told again then. */
  storageWaitMs: 30_000,
}

type Hook = NotificationManifest & { id: string }

export type Notifier = ReturnType<typeof notifierOf>

export function notifierOf({
  notifications,
  store,
  now,
  releaseOf,
  source,
  dashboard = () => '',
  directory = '.',
  limits = {},
}: {
  notifications: readonly NotificationManifest[]
  store: { deliveries: ReturnType<typeof deliveriesIn>; events: ReturnType<typeof eventsIn> }
  /** Wall, ms. */
  now: () => number
  releaseOf: (id: string) => Release | null
  /** A URI reference of this Beryl. */
  source: string
  /** Where people reach it. */
  dashboard?: () => string
  /** Where commands run. */
  directory?: string
  limits?: Partial<typeof usual>
}) {
  const { lookEveryMs, timeoutMs, firstWaitMs, waitMaxMs, giveUpMs, storageWaitMs } = {
    ...usual,
    ...limits,
  }
  const hooks = notifications.map((one): Hook => ({ ...one, id: idOf(one) }))
  const stopping = new AbortController()
  const lines: Promise<void>[] = []

  return {
    start(): void {
      if (hooks.length === 0) return store.deliveries.end()
      const gone = store.deliveries.keepOnly(hooks.map(({ id }) => id))
      if (gone.length > 0)
        log.warn({ hooks: gone }, 'no more in the manifest: what was to be told them is dropped')
      store.deliveries.begin()
      lines.push(
        again('the record', takeNew),
        ...hooks.map((hook) => again(nameOf(hook), () => deliver(hook))),
      )
    },

    /** What is on its way is cut, and sent again by whoever comes next. */
    async stop(): Promise<void> {
      stopping.abort()
      await Promise.all(lines)
    },

    view(): NotificationsView {
      return {
        receivers: hooks.map((hook) => {
          const { waiting, since, dead, because } = store.deliveries.count(hook.id)
          const { id, on } = hook
          return {
            id,
            to: shownAs(hook),
            format: hook.command === undefined ? hook.format : ('command' as const),
            on,
            waiting,
            since,
            dead,
            because: because || null,
          }
        }),
        dead: store.deliveries
          .dead(deadShownMax)
          .map(({ hook, event, told, tries, since, because }) => ({
            receiver: hook,
            event,
            told,
            text: store.events.find(event)?.text ?? '',
            tries,
            since,
            because,
          })),
      }
    },

    retry(by: string): { retried: number } {
      const retried = store.deliveries.retry(now())
      const text = `${by}: notifications that were given up are sent again (${retried})`
      const data = { command: 'notifications', retried }
      store.events.add({ at: now(), service: '*', release: null, kind: 'command', by, text, data })
      return { retried }
    },
  }

  /** @param act says whether there may be more at once */
  async function again(name: string, act: () => Promise<boolean> | boolean): Promise<void> {
    while (!stopping.signal.aborted) {
      let waitMs = lookEveryMs
      try {
        if (await act()) waitMs = 0
      } catch (error) {
        log.error({ notifications: name, error: (error as Error).message }, 'told nobody')
        waitMs = storageWaitMs
      }
      await sleep(waitMs, stopping.signal)
    }
  }

  function takeNew(): boolean {
    const after = store.deliveries.begin()
    const events = store.events.after(after, null, pageMax)
    if (events.length === 0) return false
    const found = events.flatMap((event) => {
      const told = toldBy(event)
      if (told === null) return []
      return hooks
        .filter(({ on }) => on.includes(told))
        .map((hook) => ({ hook: hook.id, event: event.id, told }))
    })
    store.deliveries.take(events.at(-1)!.id, found, now())
    return events.length === pageMax
  }

  async function deliver(hook: Hook): Promise<boolean> {
    const due = store.deliveries.due(hook.id, now(), waitMaxMs)
    if (due === null) return false
    const event = store.events.find(due.event)
    if (event === null) {
      store.deliveries.delivered(hook.id, due.event)
      return true
    }
    const release = event.release === null ? null : releaseOf(event.release)
    const told = due.told as Message['told']
    const sent = await tell(hook, { told, event, release, dashboard: dashboard() })
    if (stopping.signal.aborted && !sent.ok) return false
    if (sent.ok) store.deliveries.delivered(hook.id, due.event)
    else fail(hook, due, sent.because)
    return true
  }

  function tell(hook: Hook, message: Message): Promise<Sent> {
    const { signal } = stopping
    if (hook.command === undefined)
      return send(hook.url!, letter(hook, message), { timeoutMs, signal })
    const env = { ...ownEnv(), ...variables(message, source) }
    const withinMs = (hook.within ?? usualWithinS) * 1000
    return run(hook.command, { env, directory }, { timeoutMs: withinMs, signal })
  }

  function fail(hook: Hook, due: Delivery, because: string): void {
    const tries = due.tries + 1
    const at = now()
    const nextAt = at + Math.min(waitMaxMs, firstWaitMs * 2 ** (tries - 1))
    const dead = nextAt - due.since > giveUpMs
    if (tries === 1 || dead)
      log.warn(
        { to: shownAs(hook), event: due.event, because },
        dead ? 'a notification is given up' : 'a notification was not taken; it is tried again',
      )
    store.deliveries.failed({ ...due, tries, nextAt, because, dead })
  }

  function letter(hook: Hook, message: Message) {
    const { contentType, body } =
      hook.format === 'slack' ? slack(message) : cloudEvent(message, source)
    const { secret } = hook
    const id = String(message.event.id)
    return {
      body,
      headers: {
        'content-type': contentType,
        'user-agent': 'beryl',
        ...(secret === undefined ? {} : signed({ id, at: now(), body, secret })),
      },
    }
  }
}

/** The same receiver after a restart, without its address in the journal: that may be a secret. */
function idOf(receiver: NotificationManifest): string {
  return createHash('sha256').update(receiverOf(receiver)).digest('hex').slice(0, 12)
}

function nameOf(hook: Hook): string {
  return `${shownAs(hook)} (${hook.id})`
}

/** Where it goes, without what may be secret in a path, a query or an argument. */
function shownAs({ url, command }: NotificationManifest): string {
  return command === undefined ? new URL(url!).origin : `command ${command[0]}`
}

/** Beryl's own settings are nobody's business. */
function ownEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('BERYL_')),
  )
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
