/** What replicas are started with: commands that can be run, files that can be read, enough GPU slots. */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { fileKeys } from '../config/manifest.ts'
import type { Manifest, ProcessEnvironment, ServiceManifest } from '../config/manifest.ts'
import { ok, problem, warning } from './finding.ts'
import type { Finding } from './finding.ts'

type Started = ServiceManifest & { environment: ProcessEnvironment }

export function programFindings(
  { services }: Manifest,
  { directory, slots }: { directory: string; slots: readonly number[] },
): Finding[] {
  const started = Object.entries(services).filter(
    (entry): entry is [string, Started] => entry[1].environment.provider === 'process',
  )
  return [
    ...started.flatMap(([name, service]) => [
      ...programsOf(service).map((one) => commandFinding(name, service, one, directory)),
      ...unreadable(name, service, directory),
    ]),
    ...gpuFindings(started, slots),
  ]
}

type Named = { key: string; command: string; env: Readonly<Record<string, string>> }

/** On spot capacity a program that is missing would be capacity that is never there. */
function programsOf({ environment }: Started): Named[] {
  const { command, env, spot } = environment
  const there = { ...env, ...spot?.env }
  return [
    { key: 'command', command: command[0], env },
    ...(spot?.command === undefined
      ? []
      : [{ key: 'spot.command', command: spot.command[0], env: there }]),
    ...(spot?.notice === undefined
      ? []
      : [{ key: 'spot.notice.run', command: spot.notice.run[0], env: there }]),
  ]
}

function commandFinding(
  name: string,
  { environment }: Started,
  { key: which, command, env }: Named,
  base: string,
): Finding {
  const where = resolve(base, environment.directory)
  const key = `services.${name}.environment.${which}`
  const found = whichOf(command, where, env['PATH'] ?? process.env['PATH'] ?? '')
  const what = JSON.stringify(command)
  if (found === 'none')
    return command.includes('/')
      ? problem(
          'command',
          `${name}: there is no ${what} in ${where}`,
          `put it there, or change ${key}`,
        )
      : problem(
          'command',
          `${name}: no ${what} on PATH`,
          `install it, or give its whole path in ${key}; is PATH that of the shell that starts Beryl?`,
        )
  if ('notExecutable' in found)
    return problem(
      'command',
      `${name}: ${found.notExecutable} may not be executed by this user`,
      `chmod +x ${found.notExecutable}`,
    )
  return ok('command', `${name}: ${found.file}`)
}

type Which = { file: string } | { notExecutable: string } | 'none'

/** As execvp(3) looks: a name with a slash is a path, any other is looked for on PATH. */
function whichOf(command: string, directory: string, path: string): Which {
  const candidates = command.includes('/')
    ? [resolve(directory, command)]
    : path.split(delimiter).map((part) => join(part === '' ? directory : part, command))
  const there = candidates.filter(isFile)
  const file = there.find((one) => may(one, constants.X_OK))
  if (file !== undefined) return { file }
  return there[0] === undefined ? 'none' : { notExecutable: there[0] }
}

/** That they exist is the manifest's own check. */
function unreadable(name: string, { versions }: Started, base: string): Finding[] {
  return Object.entries(versions).flatMap(([version, content]) =>
    fileKeys.flatMap((key) => {
      const file = content[key] === undefined ? null : resolve(base, content[key])
      return file === null || !existsSync(file) || may(file, constants.R_OK)
        ? []
        : [
            problem(
              'files',
              `${name} ${version}: ${key} cannot be read: ${file}`,
              `give this user the right to read it: chmod -R u+rX ${file}`,
            ),
          ]
    }),
  )
}

function gpuFindings(started: readonly [string, Started][], slots: readonly number[]): Finding[] {
  const one = started.reduce(
    (sum, [, { environment }]) => sum + environment.replicas * environment.gpus,
    0,
  )
  if (one === 0) return []
  const has = `BERYL_GPUS (or CUDA_VISIBLE_DEVICES) names ${slots.length === 0 ? 'none' : slots.join(', ')}`
  const names = (count: number) => Array.from({ length: count }, (_, slot) => slot).join(',')
  if (slots.length < one)
    return [
      problem(
        'gpus',
        `the live versions of all services need ${one} GPU slots, and ${has}`,
        `start Beryl with BERYL_GPUS=${names(one * 2)}, or ask for fewer replicas or gpus`,
      ),
    ]
  // A candidate stands beside live until its standby has gone.
  const most = Math.max(
    ...started.map(([, { environment }]) => environment.replicas * environment.gpus),
  )
  if (slots.length < one + most)
    return [
      warning(
        'gpus',
        `${one} GPU slots are needed for what is live and up to ${most} more for a candidate beside it, and ${has}`,
        `start Beryl with BERYL_GPUS=${names(one + most)}: without them a release has no room`,
      ),
    ]
  return [ok('gpus', `${one} GPU slots for live, ${most} for a candidate; ${has}`)]
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
