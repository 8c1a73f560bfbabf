/** Which service does a request belong to? Exact host first, then any; the longest path prefix, by whole segments. Pure. */
export type Route<Target> = { host: string | null; path: string; target: Target }

export class RouteIndex<Target> {
  private readonly byKey = new Map<string, Target>()

  /** Later routes with the same host and path replace earlier ones; the manifest's check refuses such a pair. */
  constructor(routes: Iterable<Route<Target>>) {
    for (const { host, path, target } of routes)
      this.byKey.set(keyOf(host?.toLowerCase() ?? '', trimmed(path)), target)
  }

  /** @param hostHeader with or without port; @param target origin-form, e.g. `/v1/chat?x=1` */
  find(hostHeader: string, target: string): Target | null {
    const host = withoutPort(hostHeader).toLowerCase()
    const path = pathOf(target)
    return this.longest(host, path) ?? this.longest('', path)
  }

  /** Costs one look-up per path segment, however many routes there are. */
  private longest(host: string, path: string): Target | null {
    let end = path.length
    for (;;) {
      const found = this.byKey.get(keyOf(host, path.slice(0, end)))
      if (found !== undefined) return found
      if (end === 0) return null
      end = Math.max(0, path.lastIndexOf('/', end - 1))
    }
  }
}

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
