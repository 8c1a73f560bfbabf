/**
 * The files of the page: our modules, its style, and the libraries as they came from npm. In a checkout our modules are TypeScript,
 * and lose their types here; in a package they are compiled already. There is no bundler: browsers load modules by themselves.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

export type Asset = {
  type: string
  body: Uint8Array<ArrayBuffer>
  gzipped: Uint8Array<ArrayBuffer>
  etag: string
}

/** Names of libraries, as modules write them → the file each is served as. */
export const vendored: Readonly<Record<string, string>> = {
  preact: 'preact.mjs',
  'preact/hooks': 'preact-hooks.mjs',
  '@preact/signals': 'signals.mjs',
  '@preact/signals-core': 'signals-core.mjs',
  htm: 'htm.mjs',
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** By name. Only what is listed here can be asked for: no path leads out of it. */
export function loadAssets(): ReadonlyMap<string, Asset> {
  const directory = new URL('browser/', import.meta.url)
  const own = readdirSync(directory)
    .filter((file) => /\.(js|ts|css|svg)$/.test(file) && !/\.(test|d)\.ts$/.test(file))
    .map((file): [string, string] => {
      const text = readFileSync(new URL(file, directory), 'utf8')
      return file.endsWith('.ts')
        ? [file.replace(/\.ts$/, '.js'), withoutTypes(text)]
        : [file, text]
    })
  const libraries = Object.entries(vendored).map(([name, file]): [string, string] => [
    file,
    readFileSync(fileURLToPath(import.meta.resolve(name)), 'utf8'),
  ])
  return new Map(
    [...own, ...libraries].map(([file, text]) => [file, asset(file, withoutMap(text))]),
  )
}

export function asset(file: string, text: string): Asset {
  const body = new TextEncoder().encode(text)
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 22)
  return {
    type: types[extname(file)]!,
    body,
    gzipped: Uint8Array.from(gzipSync(body, { level: 9 })),
    etag: `"${hash}"`,
  }
}

function withoutTypes(text: string): string {
  return stripTypeScriptTypes(text).replace(
    /^((?:import|export)\s[^'"]*?from '|import ')(\.\/[\w-]+)\.ts'/gm,
    "$1$2.js'",
  )
}

/** Maps are not served: a browser with open developer tools would ask for them in vain. */
function withoutMap(text: string): string {
  return text.replace(/\/\/# sourceMappingURL=\S*\s*$/, '')
}
