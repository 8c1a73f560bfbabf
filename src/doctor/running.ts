/** The data directory, and the Beryl that runs on it, if one does: are its processes alive, do they answer, are they of this version? */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { call } from '../ipc/call.ts'
import type { DataDirectory } from '../ipc/data-directory.ts'
import { isAlive, readIdentity } from '../ipc/identity.ts'
import { ProblemError } from '../ipc/problem.ts'
import { takeLock } from '../storage/lock.ts'
import { lastLogLines } from '../supervisor/process.ts'
import type { RunningBeryl } from '../supervisor/running.ts'
import { ok, problem, warning } from './finding.ts'
import type { Finding } from './finding.ts'
import { nearestThere } from './machine.ts'

/** @param owner user id; undefined where the system knows none */
export function directoryFinding({ root }: DataDirectory, owner = process.getuid?.()): Finding {
  const place = nearestThere(root)
  const { uid } = statSync(place)
  const other = 'another directory with --data, or the rights to this one'
  if (!statSync(place).isDirectory())
    return problem('data', `${place} is no directory`, 'another directory with --data')
  if (!may(place, constants.W_OK | constants.X_OK))
    return problem('data', `${place} may not be written by this user`, other)
  if (place !== root) return ok('data', `${root} is not there yet; \`beryl up\` makes it`)
  if (owner !== undefined && uid !== owner)
    return problem(
      'data',
      `${root} belongs to user ${uid}, and this is user ${owner}: the files in it are readable by their owner only`,
      `run beryl as that user, or chown -R ${owner} ${root}`,
    )
  return ok('data', root)
}

/** What holds this directory's ports: a Beryl that is supervised, or a gateway that was left alone. */
export function ownBeryl(directory: DataDirectory): RunningBeryl | null {
  const gateway = readIdentity(join(directory.root, 'gateway.process.json'))
  const holds = isSupervised(directory) || (gateway !== null && isAlive(gateway))
  return holds ? runningOf(directory) : null
}

function runningOf({ running }: DataDirectory): RunningBeryl | null {
  try {
    return JSON.parse(readFileSync(running, 'utf8')) as RunningBeryl
  } catch {
    return null
  }
}

/** The lock says whether a supervisor lives: it is taken for a moment, and given back. */
function isSupervised(directory: DataDirectory): boolean {
  if (!existsSync(directory.lock('supervisor'))) return false
  const lock = takeLock(directory.lock('supervisor'))
  lock?.release()
  return lock === null
}

const roles = { gateway: '/state', controller: '/hello', examiner: '/healthz' } as const
type Role = keyof typeof roles

/** @param version of the Beryl that is installed, and asks */
export async function processFindings(
  directory: DataDirectory,
  version: string,
): Promise<Finding[]> {
  const supervised = isSupervised(directory)
  const states = await Promise.all(
    (Object.keys(roles) as Role[]).map(async (role) => ({
      role,
      ...(await stateOf(directory, role)),
    })),
  )
  const alive = states.filter(({ pid }) => pid !== null)
  if (!supervised && alive.length === 0) return [ok('processes', 'no Beryl runs here')]
  const running = runningOf(directory)
  const supervisor = supervised
    ? ok('processes', `supervisor: pid ${running?.pid ?? 'not known yet'}`)
    : warning(
        'processes',
        `no supervisor runs, and ${alive.map(({ role, pid }) => `${role} (pid ${pid})`).join(', ')} still does: nothing is started again when it dies`,
        'beryl up: it takes over what runs',
      )
  return [
    supervisor,
    ...states.map((state) => processFinding(directory, state)),
    ...leavingFinding(directory),
    ...(supervised ? [versionFinding(running?.version, version)] : []),
  ]
}

function leavingFinding(directory: DataDirectory): Finding[] {
  const before = readIdentity(directory.process('gateway-leaving'))
  if (before === null || !isAlive(before)) return []
  const text = `a gateway that has handed over (pid ${before.pid}) ends what it has begun, within a minute`
  return [ok('processes', text)]
}

type State = { role: Role; pid: number | null; silent: string | null }

async function stateOf(
  directory: DataDirectory,
  role: Role,
): Promise<{ pid: number | null; silent: string | null }> {
  const identity = readIdentity(join(directory.root, `${role}.process.json`))
  if (identity === null || !isAlive(identity)) return { pid: null, silent: null }
  return { pid: identity.pid, silent: await whySilent(directory.socket(role), roles[role]) }
}

const answerMs = 2000

/** Any answer is one, whatever it says. */
async function whySilent(socket: string, path: string): Promise<string | null> {
  try {
    await call(socket, { method: 'GET', path, timeoutMs: answerMs })
    return null
  } catch (error) {
    return error instanceof ProblemError && error.problem.code === 'unreachable'
      ? error.message
      : null
  }
}

function processFinding(directory: DataDirectory, { role, pid, silent }: State): Finding {
  const log = join(directory.logs, `${role}.log`)
  const [last] = lastLogLines(directory, role, 1)
  const said = last === undefined || last === '' ? '' : `; its log ends: ${last.slice(0, 200)}`
  if (pid === null)
    return problem(
      'processes',
      `the ${role} does not run${said}`,
      `read ${log}; \`beryl up\` starts it again`,
    )
  if (silent !== null)
    return problem(
      'processes',
      `the ${role} (pid ${pid}) does not answer: ${silent}${said}`,
      `read ${log}; kill ${pid} lets its supervisor start it again`,
    )
  return ok('processes', `${role}: pid ${pid}, answers`)
}

export function versionFinding(runs: string | undefined, installed: string): Finding {
  return runs === installed
    ? ok('version', `${installed} runs and is installed`)
    : warning(
        'version',
        `Beryl ${runs ?? 'of an older version'} runs, and ${installed} is installed`,
        'beryl up --take-over: no connection is dropped, and model servers run on',
      )
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
