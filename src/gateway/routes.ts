/** Which service does a request belong to? Exact host first, then any; the longest path prefix, by whole segments. Pure. */
export type Route<Target> = { host: string | null; path: string; target: Target }

export class RouteIndex<Target> {
  private readonly byKey = new Map<string, Route<Target>[]>()

  /** Of routes with the same host and path the last one comes first; the manifest's check refuses such a pair. */
  constructor(routes: Iterable<Route<Target>>) {
    for (const route of routes) {
      const key = keyOf(route.host?.toLowerCase() ?? '', trimmed(route.path))
      this.byKey.set(key, [route, ...(this.byKey.get(key) ?? [])])
    }
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
    const host = withoutPort(hostHeader).toLowerCase()
    const path = pathOf(target)
    return this.longest(host, path, take) ?? this.longest('', path, take)
  }

  /** Costs one look-up per path segment, however many routes there are. */
  private longest<Found>(
    host: string,
    path: string,
    take: (route: Route<Target>) => Found | null,
  ): Found | null {
    let end = path.length
    for (;;) {
      for (const route of this.byKey.get(keyOf(host, path.slice(0, end))) ?? none) {
        const found = take(route)
        if (found !== null) return found
      }
      if (end === 0) return null
      end = Math.max(0, path.lastIndexOf('/', end - 1))
    }
  }
}

const none: never[] = []

function keyOf(host: string, path: string): string {
  return `${host} ${path}`
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
