/** What the API's listener shows to people: one page for every address, and the files it is made of. It holds no data. */
import { createHash } from 'node:crypto'
import { loadAssets } from './assets.ts'
import type { Asset } from './assets.ts'
import { importMap, shell } from './shell.ts'

/** Addresses that the page knows what to show at. */
const pagePaths =
  /^\/(?:releases\/[\w.-]{1,100}|services\/[\w.-]{1,100}(?:\/(?:history|versions|cost))?)?$/
const filePrefix = '/dashboard/'

/**
 * Nothing runs but our own files, and nothing is fetched from elsewhere. What stands between quotes of the page is the hash of
 * its import map, the only script inside of it.
 */
const policyOf = (map: string) =>
  [
    "default-src 'none'",
    `script-src 'self' 'sha256-${createHash('sha256').update(map).digest('base64')}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')

/** @returns null where there is no page: then it is the API's to answer */
export function dashboard(): (request: Request) => Response | null {
  // Read when somebody looks: a Beryl that nobody watches carries nothing of it.
  let assets: ReadonlyMap<string, Asset> | null = null
  let page: { asset: Asset; policy: string } | null = null

  return (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return null
    const { pathname } = new URL(request.url)
    const isPage = pagePaths.test(pathname)
    if (!isPage && !pathname.startsWith(filePrefix)) return null
    assets ??= loadAssets()
    if (!isPage) {
      const asset = assets.get(pathname.slice(filePrefix.length))
      return asset === undefined ? null : answer(request, asset, {})
    }
    const map = importMap()
    page ??= { asset: shell(assets.keys(), map), policy: policyOf(map) }
    return answer(request, page.asset, { 'content-security-policy': page.policy })
  }
}

function answer(
  request: Request,
  { type, body, gzipped, etag }: Asset,
  more: Record<string, string>,
): Response {
  const headers = {
    'content-type': type,
    etag,
    // Asked for again each time, answered with 304: after an update nobody sees old files with a new API.
    'cache-control': 'no-cache',
    vary: 'accept-encoding',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    ...more,
  }
  if (request.headers.get('if-none-match') === etag)
    return new Response(null, { status: 304, headers })
  const isSmall = /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')
  return new Response(request.method === 'HEAD' ? null : isSmall ? gzipped : body, {
    headers: isSmall ? { ...headers, 'content-encoding': 'gzip' } : headers,
  })
}
