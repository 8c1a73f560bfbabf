/** All releases of a service, a page at a time. */
import { useEffect, useState } from 'preact/hooks'
import type { ReleaseView } from '../../api/shapes.ts'
import { Waiting } from './answer.ts'
import { call, Refused } from './call.ts'
import { History } from './history.ts'
import { html } from './html.ts'
import { services } from './live.ts'
import { ServiceHead } from './service-nav.ts'

const pageLength = 50

export function HistoryPage({ service }: { service: string }) {
  const { releases, refused, more, busy } = usePages(service)
  if (releases === null)
    return html`<${Waiting} answer=${refused} what=${`the record of ${service}`} />`
  return html`
    <${ServiceHead} service=${service} page="history" />
    <section class="card" aria-labelledby="history-title">
      <h2 id="history-title">Every release</h2>
      <${History} releases=${releases} />
      ${
        more !== null &&
        html`<p class="more">
          <button type="button" disabled=${busy} onClick=${more}>Older ones</button>
        </p>`
      }
      ${refused !== null && html`<p class="refusal" role="alert">${refused.problem.title}</p>`}
      <p class="hint" role="status">
        ${releases.length} shown${more === null && releases.length > 0 ? ', that is all' : ''}
      </p>
    </section>
  `
}

type Page = { releases: ReleaseView[]; next: string | null }

/** The newest are read anew when a release begins, moves on or ends; what was read of the older ones stays. */
function usePages(service: string) {
  const [releases, setReleases] = useState<readonly ReleaseView[] | null>(null)
  /** Of the oldest that were read. Undefined: none were. */
  const [next, setNext] = useState<string | null | undefined>(undefined)
  const [refused, setRefused] = useState<Refused | null>(null)
  const [busy, setBusy] = useState(false)
  const live = services.value?.find((one) => one.service === service)
  const stage = `${live?.release?.id} ${live?.release?.phase} ${live?.queued?.id}`
  const read = (after: string | null) =>
    call<Page>(
      'GET',
      `/services/${encodeURIComponent(service)}/history?limit=${pageLength}${after === null ? '' : `&after=${encodeURIComponent(after)}`}`,
    )
  useEffect(() => {
    let isOver = false
    const took = (page: Page) => {
      if (isOver) return
      setReleases((old) => merged(page.releases, old ?? []))
      setNext((old) => (old === undefined ? page.next : old))
    }
    read(null).then(took, (error: Refused) => !isOver && setRefused(error))
    return () => void (isOver = true)
  }, [service, stage])
  const older = async (after: string) => {
    setBusy(true)
    setRefused(null)
    try {
      const page = await read(after)
      setReleases((old) => merged(old ?? [], page.releases))
      setNext(page.next)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      setRefused(error)
    } finally {
      setBusy(false)
    }
  }
  return { releases, refused, busy, more: next == null ? null : () => void older(next) }
}

/** Each once, as the first says it. */
export function merged(
  first: readonly ReleaseView[],
  then: readonly ReleaseView[],
): readonly ReleaseView[] {
  const known = new Set(first.map(({ id }) => id))
  return [...first, ...then.filter(({ id }) => !known.has(id))]
}
