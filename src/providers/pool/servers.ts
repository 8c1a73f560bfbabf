/**
 * The servers of pools: who answers, what is loaded where, and which has a place. The servers are asked again and again; that one of
 * them is lost makes its pool smaller, until it answers again.
 */
import type { Address, Log, PoolSpec } from '../provider.ts'
import { pause } from '../watch-life.ts'
import { contentsOf } from './contents.ts'
import type { Contents } from './contents.ts'

/** A model that is in a pool, or waits for a place. */
export type Tenant = {
  readonly spec: PoolSpec
  /** Where it is in memory, or may be. */
  readonly place: Address | null
  /** Servers that it left without an answer: it may be in their memory still. */
  readonly left: readonly Address[]
  /** Asks those to unload it that answer again. */
  cleanUp: () => Promise<void>
}

type Known = {
  contents: Contents
  /** `performance.now()` when it was asked. */
  askedAt: number
  /** In a row without an answer. */
  silent: number
  /** Names that were unloaded since: an answer that was under way says otherwise. */
  unloaded: Map<string, number>
  asking: Promise<void> | null
}

/** While no model is in a pool. */
const idleMs = 1000
/** Before one is said to be lost: so many looks in a row. */
const silentMax = 3

export class Servers {
  private readonly known = new Map<string, Known>()
  private readonly tenants: () => readonly Tenant[]
  private readonly log: Log
  private readonly changed: () => void
  private readonly closed = new AbortController()
  private watched = false

  constructor(around: { tenants: () => readonly Tenant[]; log: Log; changed: () => void }) {
    this.tenants = around.tenants
    this.log = around.log
    this.changed = around.changed
  }

  /** From the first model on. */
  watch(): void {
    if (this.watched) return
    this.watched = true
    void this.keepLooking()
  }

  close(): void {
    this.closed.abort()
  }

  /** Of one pool, all of them. @param atMostMs what was heard so lately is not asked for again */
  async look(spec: PoolSpec, atMostMs: number): Promise<void> {
    await Promise.all(spec.servers.map((at) => this.ask(at, spec, atMostMs)))
  }

  /** Why it does not answer; null: it did, or was not asked yet. */
  troubleOf(at: Address): string | null {
    return this.known.get(nameOf(at))?.contents.trouble ?? null
  }

  /** In memory, or on the way into it or out of it, by the server's own word, heard last; null: it does not say. */
  isHeld(at: Address, model: string): boolean | null {
    const contents = this.known.get(nameOf(at))?.contents
    return contents?.trouble === null ? (contents.held?.has(model) ?? null) : null
  }

  unloaded(at: Address, model: string): void {
    const known = this.known.get(nameOf(at))
    if (known === undefined) return
    known.unloaded.set(model, performance.now())
    if (known.contents.trouble === null && known.contents.held?.has(model)) {
      const held = new Set(known.contents.held)
      held.delete(model)
      known.contents = { trouble: null, held }
    }
  }

  /**
   * A server with a place, the emptiest first; null: none. @param refusedBy `nameOf` of those that are asked last
   */
  choose(tenant: Tenant, refusedBy: ReadonlySet<string>): Address | null {
    const { spec, left } = tenant
    const { servers, models } = spec
    const answering = servers.filter((at) => this.troubleOf(at) === null)
    // Where none answers the first is asked all the same: what it says is the reason. Where it is being unloaded it is not loaded.
    const open = answering.filter((at) => left.every((one) => !isSame(one, at)))
    const free = (answering.length > 0 ? open : servers)
      .map((at) => ({
        at,
        // What it left behind itself is in nobody's way where it is asked for again.
        free: models - this.insideOf(at, tenant).length,
        last: refusedBy.has(nameOf(at)),
      }))
      .filter((one) => one.free > 0)
      .toSorted((a, b) => Number(a.last) - Number(b.last) || b.free - a.free)
    return free[0]?.at ?? null
  }

  /** Places that its pool has now for what is asked for here: of servers that are lost none, and none that others are in. */
  placesOf({ pool, servers, models }: PoolSpec): number {
    const up = servers.filter((at) => (this.known.get(nameOf(at))?.silent ?? 0) < silentMax)
    // Where all are lost nobody would gain from a place that another one leaves.
    if (up.length === 0) return models * servers.length
    const ours = this.tenants().filter(({ spec }) => spec.pool === pool)
    return up.reduce((sum, at) => {
      const here = ours.filter(({ place }) => isSame(place, at)).length
      // Nobody who is in leaves for a stranger.
      return sum + Math.max(here, models - this.strangersAt(at).length)
    }, 0)
  }

  /** `pool spare is full (2 on each of 2): m1 of tiny, …; 127.0.0.1:9001 is lost: …`. */
  whyFull({ pool, servers, models }: PoolSpec): string {
    const inside = servers.flatMap((at) => (this.troubleOf(at) === null ? this.insideOf(at) : []))
    const lost = servers.flatMap((at) => {
      const trouble = this.troubleOf(at)
      return trouble === null ? [] : [`${nameOf(at)} is lost: ${trouble}`]
    })
    if (lost.length === servers.length)
      return `no server of pool ${pool} answers: ${lost.join('; ')}`
    const size = servers.length === 1 ? `${models}` : `${models} on each of ${servers.length}`
    return [`pool ${pool} is full (${size}): ${inside.join(', ')}`, ...lost].join('; ')
  }

  /** What takes places there, in words. */
  private insideOf(at: Address, but: Tenant | null = null): string[] {
    const ours = this.tenants().flatMap((one) => {
      if (one === but) return []
      const { spec, place, left } = one
      const text = `${spec.model} of ${spec.service}`
      if (isSame(place, at)) return [text]
      return left.some((one) => isSame(one, at)) && this.isHeld(at, spec.model) !== false
        ? [`${text}, left behind`]
        : []
    })
    return [...ours, ...this.strangersAt(at).map((name) => `${name}, which nobody here asked for`)]
  }

  /** Loaded there, and no name of ours. */
  private strangersAt(at: Address): string[] {
    const contents = this.known.get(nameOf(at))?.contents
    if (contents?.trouble !== null || contents.held === null) return []
    const names = new Set(
      this.tenants().flatMap(({ spec }) =>
        spec.servers.some((one) => isSame(one, at)) ? [spec.model] : [],
      ),
    )
    return [...contents.held].filter((name) => !names.has(name))
  }

  private async ask(at: Address, { tls, alive }: PoolSpec, atMostMs: number): Promise<void> {
    const name = nameOf(at)
    const known = this.known.get(name) ?? {
      contents: { trouble: null, held: null },
      askedAt: -Infinity,
      silent: 0,
      unloaded: new Map<string, number>(),
      asking: null,
    }
    this.known.set(name, known)
    if (known.asking !== null) return known.asking
    const askedAt = performance.now()
    if (askedAt - known.askedAt < atMostMs) return
    const asked = { ...at, tls, timeoutMs: alive.timeoutS * 1000, signal: this.closed.signal }
    known.asking = this.hear(name, known, { askedAt, contents: contentsOf(asked) })
    return known.asking
  }

  private async hear(
    name: string,
    known: Known,
    { askedAt, contents: coming }: { askedAt: number; contents: Promise<Contents> },
  ): Promise<void> {
    let contents = await coming
    known.asking = null
    if (this.closed.signal.aborted) return
    known.askedAt = askedAt
    known.silent = contents.trouble === null ? 0 : known.silent + 1
    if (known.silent === silentMax) this.log.warn({ server: name }, `lost: ${contents.trouble}`)
    if (contents.trouble === null && contents.held !== null) {
      const held = new Set(contents.held)
      for (const [model, at] of known.unloaded)
        if (at >= askedAt) held.delete(model)
        else known.unloaded.delete(model)
      contents = { trouble: null, held }
    }
    known.contents = contents
  }

  private async keepLooking(): Promise<void> {
    const { signal } = this.closed
    let before = ''
    while (!signal.aborted) {
      const specs = [...new Map(this.tenants().map(({ spec }) => [spec.pool, spec])).values()]
      const everyMs = Math.min(...specs.map(({ alive }) => alive.everyS * 1000), Infinity)
      await pause(Number.isFinite(everyMs) ? everyMs : idleMs, signal)
      await Promise.all(specs.map((spec) => this.look(spec, 0)))
      if (signal.aborted) return
      for (const one of this.tenants()) void one.cleanUp()
      const now = JSON.stringify(specs.map((spec) => [spec.pool, this.placesOf(spec)]))
      if (now !== before) this.changed()
      before = now
    }
  }
}

export function nameOf({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

export function isSame(a: Address | null, b: Address | null): boolean {
  return a !== null && b !== null && a.host === b.host && a.port === b.port
}
