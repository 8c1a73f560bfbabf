/** Which page is shown: the address says it, so that it can be kept, sent and gone back to. */
import { signal } from '@preact/signals'

export type Route =
  | { page: 'overview' }
  | { page: 'service'; service: string }
  | { page: 'history' | 'versions' | 'cost'; service: string }
  | { page: 'release'; release: string }

export const route = signal<Route>({ page: 'overview' })

export function routeOf(path: string): Route {
  const [, kind, name, of] =
    /^\/(services|releases)\/([^/]+)(?:\/(history|versions|cost))?$/.exec(path) ?? []
  if (name === undefined) return { page: 'overview' }
  if (kind === 'releases') return { page: 'release', release: decodeURIComponent(name) }
  const page = (of ?? 'service') as 'service' | SubPage
  return { page, service: decodeURIComponent(name) }
}

export type SubPage = 'history' | 'versions' | 'cost'

export const servicePath = (service: string, of?: SubPage) =>
  `/services/${encodeURIComponent(service)}${of === undefined ? '' : `/${of}`}`
export const releasePath = (release: string) => `/releases/${encodeURIComponent(release)}`

export function followAddress(): void {
  const take = () => (route.value = routeOf(location.pathname))
  take()
  addEventListener('popstate', take)
  document.addEventListener('click', (event) => {
    const link = (event.target as Element).closest('a')
    if (link === null || !isPlain(event) || link.origin !== location.origin) return
    if (link.target !== '' || link.hasAttribute('download')) return
    event.preventDefault()
    history.pushState(null, '', link.href)
    take()
    // As after a page load: reading begins at the top, by eye and by screen reader.
    scrollTo(0, 0)
    requestAnimationFrame(() => document.querySelector('h1')?.focus())
  })
}

/** Anything else is the browser's: new tabs, downloads. */
function isPlain({ button, ctrlKey, metaKey, shiftKey, altKey, defaultPrevented }: MouseEvent) {
  return button === 0 && !ctrlKey && !metaKey && !shiftKey && !altKey && !defaultPrevented
}
