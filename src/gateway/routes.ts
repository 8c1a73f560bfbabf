/** Which service does a request belong to? Exact host first, then any; the longest path prefix, by whole segments. Pure. */
export type Route<Target> = { host: string | null; path: string; target: Target }

/** The routes of one host, by path. */
type Paths<Target> = Map<string, Route<Target>[]>

export class RouteIndex<Target> {
  private readonly byHost = new Map<string, Paths<Target>>()
  private readonly anyHost: Paths<Target>
  /** Segments of the longest path that leads anywhere: what a target has beyond them is not looked at. */
  private readonly segmentsMax: number

  /** Of routes with the same host and path the last one comes first; the manifest's check refuses such a pair. */
  constructor(routes: Iterable<Route<Target>>) {
    let segmentsMax = 0
    for (const route of routes) {
      const host = route.host?.toLowerCase() ?? ''
      const path = trimmed(route.path)
      const paths: Paths<Target> = this.byHost.get(host) ?? new Map<string, Route<Target>[]>()
      this.byHost.set(host, paths.set(path, [route, ...(paths.get(path) ?? [])]))
      segmentsMax = Math.max(segmentsMax, path.split('/').length - 1)
    }
    this.anyHost = this.byHost.get('') ?? new Map<string, Route<Target>[]>()
    this.byHost.delete('')
    this.segmentsMax = segmentsMax
  }

  /**
   * @param hostHeader with or without port; @param target origin-form, e.g. `/v1/chat?x=1`
   * @param take what is there now behind a route; null where it leads nowhere, and the next one is asked
   */
  find<Found>(
    hostHeader: string,
    target: string,
    take: (route: Route<Target>) => Found | null,
  ): Found | null {
    const path = firstSegments(pathOf(target), this.segmentsMax)
    const own =
      this.byHost.size === 0 ? undefined : this.byHost.get(withoutPort(hostHeader).toLowerCase())
    return (own && longest(own, path, take)) ?? longest(this.anyHost, path, take)
  }
}

/** Costs one look-up per path segment, however many routes there are. */
function longest<Target, Found>(
  paths: Paths<Target>,
  path: string,
  take: (route: Route<Target>) => Found | null,
): Found | null {
  let end = path.length
  for (;;) {
    for (const route of paths.get(end === path.length ? path : path.slice(0, end)) ?? none) {
      const found = take(route)
      if (found !== null) return found
    }
    if (end === 0) return null
    end = Math.max(0, path.lastIndexOf('/', end - 1))
  }
}

const none: never[] = []

/** `/a/b/c` and 2: `/a/b`. */
function firstSegments(path: string, count: number): string {
  let end = -1
  for (let found = 0; found <= count; found++) {
    end = path.indexOf('/', end + 1)
    if (end === -1) return path
  }
  return path.slice(0, end)
}

function trimmed(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path
}

function pathOf(target: string): string {
  const query = target.indexOf('?')
  return trimmed(query === -1 ? target : target.slice(0, query))
}

function withoutPort(host: string): string {
  const colon = host.lastIndexOf(':')
  return colon > host.lastIndexOf(']') ? host.slice(0, colon) : host
}
