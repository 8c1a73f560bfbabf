/** Version + environment → how a replica is started, or where it is found. Only `{port}` is left open: it differs from replica to replica. */
import { resolve } from 'node:path'
import { fileKeys } from '../config/manifest.ts'
import type {
  EnvironmentManifest,
  ExternalEnvironment,
  ProcessEnvironment,
  ServiceManifest,
  VersionManifest,
} from '../config/manifest.ts'
import { placeOf } from '../config/reference.ts'
import { sleepOf } from '../config/sleep.ts'
import { readyPathOf } from '../config/speaks.ts'

export type Program = {
  provider: 'process'
  command: string[]
  env: Record<string, string>
  directory: string
  gpus: number
  memory?: number
  stopGraceS: number
  onSpot?: OnSpot
}

/** What differs on spot capacity. */
export type OnSpot = Pick<Program, 'command' | 'env' | 'gpus' | 'memory'> & { terms: SpotTerms }

export type SpotTerms = {
  exitCodes: number[]
  tries: number
  retryS: number
  notice?: {
    run: string[]
    directory: string
    env: Record<string, string>
    everyS: number
    withinS: number
  }
}

export type Places = {
  provider: 'external'
  places: Pick<ExternalEnvironment, 'blue' | 'green'>
  spot?: ExternalEnvironment['blue']
}

export type Ready = {
  path: string
  withinS: number
  model?: string
  version?: { path: string; answer?: string; is: string }
}

/** A call, or a program that is run. */
export type Step =
  | { method: 'GET' | 'POST'; path: string; body?: string; until?: 'refused' }
  | { run: string[]; directory: string; env: Record<string, string> }

export type Sleep = { down: Step[]; up: Step[]; withinS: number }

export function templateOf(
  name: string,
  version: VersionManifest,
  environment: EnvironmentManifest,
  base: string,
): Program | Places {
  if (environment.provider === 'process') return programOf(name, version, environment, base)
  const { provider, blue, green, spot } = environment
  const at = ({ host, port }: Places['places']['blue'][number]) => ({ host, port })
  return {
    provider,
    places: { blue: blue.map(at), green: green.map(at) },
    ...(spot === undefined ? {} : { spot: spot.addresses.map(at) }),
  }
}

export function programOf(
  name: string,
  version: VersionManifest,
  environment: ProcessEnvironment,
  base: string,
): Program {
  const { provider, command, env, directory, gpus, memory, stop, spot } = environment
  const fill = fillingOf(name, version, base)
  const filled = (values: Record<string, string>) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, fill(value)]))
  const program: Program = {
    provider,
    command: [...command, ...version.args].map(fill),
    env: filled({ ...env, ...version.env }),
    directory: resolve(base, directory),
    gpus,
    ...memoryOf(memory),
    stopGraceS: stop.grace,
  }
  if (spot === undefined) return program
  const { exitCodes, tries, retry, notice } = spot
  const onSpot: OnSpot = {
    command: [...(spot.command ?? command), ...version.args].map(fill),
    env: filled({ ...env, ...spot.env, ...version.env }),
    gpus: spot.gpus ?? gpus,
    ...memoryOf(spot.memory ?? memory),
    terms: { exitCodes, tries, retryS: retry },
  }
  if (notice !== undefined)
    onSpot.terms.notice = {
      run: notice.run.map(fill),
      directory: program.directory,
      env: onSpot.env,
      everyS: notice.every,
      withinS: notice.within,
    }
  return { ...program, onSpot }
}

function memoryOf(memory: number | undefined): { memory?: number } {
  return memory === undefined ? {} : { memory }
}

/** When a replica is ready, and what it must then say it is. */
export function readyOf(
  service: Pick<ServiceManifest, 'protocol' | 'environment'>,
  name: string,
  version: VersionManifest,
  base: string,
): Ready {
  const { within, model, version: asked } = service.environment.ready
  const fill = fillingOf(name, version, base)
  const { answer, is = '', path = '' } = asked ?? {}
  return {
    path: readyPathOf(service),
    withinS: within,
    ...(model === undefined ? {} : { model: fill(model) }),
    ...(asked === undefined
      ? {}
      : { version: { path, is: fill(is), ...(answer === undefined ? {} : { answer }) } }),
  }
}

/**
 * How a replica leaves its accelerator and comes back. Of its programs `{pid}`, `{host}` and `{port}` are left open; they run where
 * and with what its own would.
 */
export function sleepingOf(
  name: string,
  version: VersionManifest,
  environment: EnvironmentManifest,
  base: string,
): Sleep | null {
  if (environment.sleep === undefined) return null
  const { down, up, withinS } = sleepOf(environment.sleep, name)
  const fill = fillingOf(name, version, base)
  const { directory, env } =
    environment.provider === 'process'
      ? programOf(name, version, environment, base)
      : { directory: base, env: {} }
  const steps = (all: typeof down): Step[] =>
    all.map((one) => ('run' in one ? { run: one.run.map(fill), directory, env } : one))
  return { down: steps(down), up: steps(up), withinS }
}

/** Puts what a version is in place of `{version}`, `{model}` and so on. */
export function fillingOf(
  name: string,
  version: VersionManifest,
  base: string,
): (text: string) => string {
  const values: Record<string, string> = { version: name }
  for (const key of fileKeys)
    if (version[key] !== undefined) values[key] = placeOf(base, version[key])
  return (text) => text.replace(/\{([a-z]+)\}/g, (whole, key: string) => values[key] ?? whole)
}
