/** Version + environment → how a replica is started. Only `{port}` is left open: it differs from replica to replica. */
import { resolve } from 'node:path'
import { fileKeys } from '../config/manifest.ts'
import type { ServiceManifest, VersionManifest } from '../config/manifest.ts'

export type Template = { command: string[]; env: Record<string, string>; directory: string }

export function templateOf(
  name: string,
  version: VersionManifest,
  { command, env, directory }: ServiceManifest['environment'],
  base: string,
): Template {
  const values: Record<string, string> = { version: name }
  for (const key of fileKeys)
    if (version[key] !== undefined) values[key] = resolve(base, version[key])
  const fill = (text: string) =>
    text.replace(/\{([a-z]+)\}/g, (whole, key: string) => values[key] ?? whole)
  return {
    command: [...command, ...version.args].map(fill),
    env: Object.fromEntries(
      Object.entries({ ...env, ...version.env }).map(([key, value]) => [key, fill(value)]),
    ),
    directory: resolve(base, directory),
  }
}
