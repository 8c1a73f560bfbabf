/** Version + environment → how a replica is started. Only `{port}` is left open: it differs from replica to replica. */
import { resolve } from 'node:path'
import { fileKeys } from '../config/manifest.ts'
import type { ServiceManifest, VersionManifest } from '../config/manifest.ts'
import { readyPathOf } from '../config/speaks.ts'

export type Template = { command: string[]; env: Record<string, string>; directory: string }

export function templateOf(
  name: string,
  version: VersionManifest,
  { command, env, directory }: ServiceManifest['environment'],
  base: string,
): Template {
  const fill = fillingOf(name, version, base)
  return {
    command: [...command, ...version.args].map(fill),
    env: Object.fromEntries(
      Object.entries({ ...env, ...version.env }).map(([key, value]) => [key, fill(value)]),
    ),
    directory: resolve(base, directory),
  }
}

/** When a replica is ready, and which model it must then say it serves. */
export function readyOf(
  service: Pick<ServiceManifest, 'protocol' | 'environment'>,
  name: string,
  version: VersionManifest,
  base: string,
): { path: string; withinS: number; model?: string } {
  const { ready } = service.environment
  return {
    path: readyPathOf(service),
    withinS: ready.within,
    ...(ready.model === undefined ? {} : { model: fillingOf(name, version, base)(ready.model) }),
  }
}

/** Puts what a version is in place of `{version}`, `{model}` and so on. */
export function fillingOf(
  name: string,
  version: VersionManifest,
  base: string,
): (text: string) => string {
  const values: Record<string, string> = { version: name }
  for (const key of fileKeys)
    if (version[key] !== undefined) values[key] = resolve(base, version[key])
  return (text) => text.replace(/\{([a-z]+)\}/g, (whole, key: string) => values[key] ?? whole)
}
