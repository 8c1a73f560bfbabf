/** Services as they are, pushed to whoever looks: the dashboard lives on it. */
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { ProblemError } from '../ipc/problem.ts'
import type { ApiEnv } from './authenticate.ts'
import type { Operations } from './operations.ts'
import type { Role } from './rights.ts'
import { serviceSeenBy } from './seen-by.ts'
import type { ServiceView } from './shapes.ts'

const lookEveryMs = 400
/** Looking takes at most this part of the controller's time, however many services there are. */
const lookingShare = 0.1
/** Without a change, this says that the line still holds. */
const stillEveryMs = 2000
const streamsMax = 64

/** @param clock monotonic, ms */
export function live(operations: Operations, clock = () => performance.now()): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
  const looks = looksAt(operations, clock)
  let open = 0
  app.get('/live', (context) => {
    const service = context.req.query('service') ?? null
    if (service !== null) operations.service(service)
    if (open >= streamsMax)
      throw new ProblemError({
        status: 503,
        code: 'too-many-streams',
        title: `${streamsMax} live streams are open already`,
        hint: 'close a page of the dashboard',
      })
    open++
    const { role, isStillIn } = context.get('caller')
    return streamSSE(context, async (stream) => {
      let said: readonly string[] | null = null
      let saidAt = -Infinity
      stream.onAbort(() => {})
      try {
        while (!stream.aborted && !stream.closed && isStillIn()) {
          const texts = looks(service, role)
          const event = eventOf(said, texts)
          if (event !== null || clock() - saidAt >= stillEveryMs) {
            // Values are JSON: no line break in them can end an event.
            const at = Date.now()
            await stream.writeSSE(
              event === null
                ? { event: 'still', data: `{"at":${at}}` }
                : { event: event.kind, data: `{"at":${at},"services":[${event.texts.join(',')}]}` },
            )
            said = texts
            saidAt = clock()
          }
          await stream.sleep(lookEveryMs)
        }
      } finally {
        open--
      }
    })
  })
  return app
}

/** All of it at first, and when a service has come; then what changed. Null: nothing did. */
function eventOf(said: readonly string[] | null, texts: readonly string[]) {
  if (said?.length !== texts.length) return { kind: 'services', texts }
  const changed = texts.filter((text, index) => text !== said[index])
  return changed.length === 0 ? null : { kind: 'changed', texts: changed }
}

/** One look serves all who look at the same, with the same role: a line of JSON for each service. */
function looksAt(
  operations: Operations,
  clock: () => number,
): (service: string | null, role: Role) => readonly string[] {
  const held = new Map<string, { texts: readonly string[]; until: number }>()
  return (service, role) => {
    const key = `${role} ${service ?? ''}`
    const began = clock()
    const known = held.get(key)
    if (known !== undefined && began < known.until) return known.texts
    const services: ServiceView[] =
      service === null
        ? operations.names().map((name) => operations.service(name))
        : [operations.service(service)]
    const texts = services.map((view) => JSON.stringify(serviceSeenBy(role, view)))
    const tookMs = clock() - began
    held.set(key, {
      texts,
      until: began + Math.max(lookEveryMs / 2, tookMs / lookingShare),
    })
    return texts
  }
}
