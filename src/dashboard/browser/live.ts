/** Services as they are: pushed by the API as long as the page is looked at, and said to be old when nothing comes. */
import { effect, signal } from '@preact/signals'
import type { LiveView, ServiceView } from '../../api/shapes.ts'
import { call, Refused } from './call.ts'
import { addSample, perSecondOf } from './rates.ts'
import type { Sample } from './rates.ts'
import { session } from './session.ts'

/** The API says at least that it is there every 2 s. */
const silentMs = 6000
const againMs = 1000
/** A page that nobody sees gives its connection back: browsers have six for each address. */
const hiddenMs = 30_000

/** Null until the first came. */
export const services = signal<readonly ServiceView[] | null>(null)
/** What the page asked for is not there. */
export const missing = signal<Refused | null>(null)
export const connection = signal<'connecting' | 'live' | 'lost'>('connecting')
/** When Beryl last said something, by its own clock, ms. */
export const heardAt = signal(0)
/** The controller's clock, ms. */
export const now = signal(Date.now())
/** Answers a second. */
const rates = signal<Readonly<Record<string, number | null>>>({})

/** A place that changes its role begins anew: what it answered before says nothing of now. */
export function rateOf(service: ServiceView, place: 'blue' | 'green'): number | null {
  return rates.value[rateKey(service, place)] ?? null
}

function rateKey({ service, environments }: ServiceView, place: 'blue' | 'green'): string {
  const { role, version } = environments[place]
  return `${service} ${place} ${role} ${version}`
}

/** What the page that is shown wants to see; null: nothing yet. */
export const wanted = signal<'all' | { service: string } | null>(null)

let ahead = 0
let samples: Record<string, Sample[]> = {}

export function followServices(): void {
  setInterval(() => (now.value = Date.now() + ahead), 500)
  const seen = signal(true)
  let hidden: ReturnType<typeof setTimeout> | undefined
  document.addEventListener('visibilitychange', () => {
    clearTimeout(hidden)
    if (document.visibilityState === 'visible') seen.value = true
    else hidden = setTimeout(() => (seen.value = false), hiddenMs)
  })
  effect(() => {
    if (session.value.state !== 'in' || !seen.value) return
    const asked = wanted.value
    services.value = null
    missing.value = null
    samples = {}
    if (asked === null) return
    return follow(asked === 'all' ? null : asked.service)
  })
}

/** @returns what ends it */
function follow(service: string | null): () => void {
  const name = service === null ? '' : encodeURIComponent(service)
  let source: EventSource | null = null
  let heard = 0
  let isOver = false
  /** One attempt at a time: two would end in two streams that contradict each other. */
  let again: ReturnType<typeof setTimeout> | null = null
  open()
  const watch = setInterval(() => {
    if (performance.now() - heard > silentMs) lost()
  }, 1000)
  return () => {
    isOver = true
    clearInterval(watch)
    if (again !== null) clearTimeout(again)
    source?.close()
  }

  function open(): void {
    heard = performance.now()
    source = new EventSource(`/api/v1/live${service === null ? '' : `?service=${name}`}`)
    source.addEventListener('services', ({ data }: MessageEvent<string>) => {
      const view = JSON.parse(data) as LiveView
      alive(view.at)
      missing.value = null
      count(view)
      services.value = view.services
    })
    source.addEventListener('changed', ({ data }: MessageEvent<string>) => {
      const view = JSON.parse(data) as LiveView
      alive(view.at)
      const all = merged(services.value ?? [], view.services)
      count({ at: view.at, services: all })
      services.value = all
    })
    source.addEventListener('still', ({ data }: MessageEvent<string>) => {
      const { at } = JSON.parse(data) as { at: number }
      alive(at)
      if (services.value !== null) count({ at, services: services.value })
    })
    source.addEventListener('error', lost)
  }

  function alive(at: number): void {
    heard = performance.now()
    ahead = at - Date.now()
    now.value = at
    heardAt.value = at
    connection.value = 'live'
  }

  function lost(): void {
    if (again !== null) return
    source?.close()
    if (connection.value === 'live') connection.value = 'lost'
    again = setTimeout(() => void tryAgain(), againMs)
  }

  /** An event source does not say why it ended: a question of our own does. */
  async function tryAgain(): Promise<void> {
    try {
      await call('GET', service === null ? '/session' : `/services/${name}`)
      if (isOver) return
      missing.value = null
      again = null
      open()
    } catch (error) {
      if (isOver || !(error instanceof Refused)) return
      if (error.problem.status === 404) missing.value = error
      else connection.value = 'lost'
      // Whoever is signed out is asked for a token, and that begins anew.
      if (error.problem.status !== 401) again = setTimeout(() => void tryAgain(), againMs)
    }
  }
}

/** What changed, in place of what it was. */
function merged(
  all: readonly ServiceView[],
  changed: readonly ServiceView[],
): readonly ServiceView[] {
  const found = new Map(changed.map((view) => [view.service, view]))
  return all.map((view) => found.get(view.service) ?? view)
}

function count({ at, services: seen }: LiveView): void {
  const next: Record<string, Sample[]> = {}
  for (const service of seen)
    for (const place of ['blue', 'green'] as const) {
      const key = rateKey(service, place)
      const { total } = service.environments[place].answers
      next[key] = addSample(samples[key] ?? [], { at, total })
    }
  samples = next
  rates.value = Object.fromEntries(
    Object.entries(next).map(([key, all]) => [key, perSecondOf(all)]),
  )
}
