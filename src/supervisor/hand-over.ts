/**
 * The gateway is started anew, and no connection is dropped (rulings §7): the next one listens on the same sockets before the one
 * that runs ends. They settle it between them; here the next one is started, looked at, and kept, and nobody lives too long.
 */
import { rmSync } from 'node:fs'
import { gatewayClient } from '../gateway/client.ts'
import type { GatewayState } from '../gateway/control.ts'
import { handOverMs } from '../gateway/hand-over.ts'
import { asideOf, cannotStart } from '../ipc/data-directory.ts'
import type { DataDirectory } from '../ipc/data-directory.ts'
import { isAlive, readIdentity } from '../ipc/identity.ts'
import type { Identity } from '../ipc/identity.ts'
import { ProblemError } from '../ipc/problem.ts'
import { log } from '../log.ts'
import type { BoundSockets } from './bind-all.ts'
import type { Beside, Kept } from './keep-running.ts'
import { adoptProcess, endProcess, lastLogLines } from './process.ts'
import type { Process } from './process.ts'

const readyWithinMs = 30_000
const pollMs = 50
/** For one that a supervisor before had started; less than the one before waits for it (gateway/hand-over.ts). */
const settleMs = 10_000
/** Beyond what it grants itself; then it is killed. */
const graceMs = 5000

export type HandedOver = { from: number; to: number }

/**
 * @param bound what the next one is given
 * @throws ProblemError where nothing could be handed over: then the one that ran goes on
 */
export async function handOver(
  kept: Kept,
  directory: DataDirectory,
  { gatewayConfig, descriptors }: BoundSockets,
): Promise<HandedOver> {
  if (gatewayConfig.sockets === null)
    throw cannot(
      'hand-over-unavailable',
      'on this system a gateway binds its own port, and two cannot share it',
      'beryl down, then beryl up: at a time that suits you, model servers stop with it',
    )
  const last = readIdentity(directory.process('gateway-leaving'))
  if (last !== null && isAlive(last))
    throw cannot(
      'handing-over',
      `a gateway (pid ${last.pid}) still ends what it has begun`,
      'ask again: it is over within a minute',
    )
  const from = kept.pid()
  if (from === null) throw cannot('handing-over', 'the gateway is being started', 'ask again')
  const next = kept.beside({
    env: () => ({ BERYL_GATEWAY: JSON.stringify({ ...gatewayConfig, takesOver: true }) }),
    inherit: () => descriptors,
  })
  const trouble = await untilReady(next.process, directory)
  if (trouble === null) {
    const before = next.take()
    if (before !== null) void seeOff(before)
    return { from, to: next.process.identity!.pid }
  }
  await giveUp(next, directory, from)
  throw cannot(
    'hand-over-failed',
    `the next gateway did not take over, and the one that ran goes on: ${trouble}`,
    `mend what it names and ask again; ${directory.logs}/gateway.log has more`,
  )
}

/** @returns null: it is the one that is asked, and listens; else what was in the way */
async function untilReady(next: Process, directory: DataDirectory): Promise<string | null> {
  const until = Date.now() + readyWithinMs
  while (next.exit() === null && next.identity !== null && Date.now() < until) {
    const state = await stateOf(directory)
    if (state?.pid === next.identity.pid && state.isListening) return null
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
  const lines = lastLogLines(directory, 'gateway', 20)
  const why = lines.findLast((line) => line.startsWith(cannotStart))
  if (why !== undefined) return why.slice(cannotStart.length)
  return next.exit() ?? `it was not ready within ${readyWithinMs / 1000} s`
}

async function giveUp(next: Beside, directory: DataDirectory, from: number): Promise<void> {
  await endProcess(next.process, 0)
  removeAside(directory, next.process.identity)
  // Only one that was asked to leave, and not yet told to close.
  await gatewayClient(directory.socket('leaving'))
    .stay()
    .catch(() => null)
  const state = await stateOf(directory)
  next.drop(state?.pid === from && state.isListening)
}

/** It ends by itself; one that hangs does not keep two gateways alive. */
async function seeOff(before: Process): Promise<void> {
  before.unref()
  const late = setTimeout(() => {
    log.error({ pid: before.identity?.pid }, 'a gateway that had left did not end, and is killed')
    void endProcess(before, 0)
  }, handOverMs + graceMs).unref()
  log.info({ pid: before.identity?.pid, how: await before.ended }, 'the gateway before has ended')
  clearTimeout(late)
}

/** What a supervisor that died in the middle of one has left. Before any gateway is taken over or started. */
export async function settleHandOver(directory: DataDirectory): Promise<void> {
  const next = aliveIn(directory.process('gateway-next'))
  if (next !== null && !(await hasTakenOver(next, directory))) {
    log.warn({ pid: next.pid }, 'a gateway that had not taken over yet is ended')
    await endProcess(adoptProcess(next), 0)
    removeAside(directory, next)
  }
  rmSync(directory.process('gateway-next'), { force: true })
  if ((await stateOf(directory)) === null)
    await gatewayClient(directory.socket('leaving'))
      .stay()
      .catch(() => null)
  const before = aliveIn(directory.process('gateway-leaving'))
  if (before !== null) void seeOff(adoptProcess(before))
}

/** It may be about to: ended then, it would leave nobody, for the one before closes at its word. */
async function hasTakenOver(next: Identity, directory: DataDirectory): Promise<boolean> {
  const until = Date.now() + settleMs
  while (isAlive(next) && Date.now() < until) {
    if ((await stateOf(directory))?.pid === next.pid) return true
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
  return false
}

/** Of one that leaves: it stops with everything. */
export async function endLeaving(directory: DataDirectory, graceMsOfIt: number): Promise<void> {
  const before = aliveIn(directory.process('gateway-leaving'))
  if (before !== null) await endProcess(adoptProcess(before), graceMsOfIt)
}

/** What it had not put into its place yet. */
function removeAside(directory: DataDirectory, next: Identity | null): void {
  if (next === null) return
  for (const name of ['gateway', 'held'] as const)
    rmSync(asideOf(directory.socket(name), next.pid), { force: true })
}

function aliveIn(file: string): Identity | null {
  const identity = readIdentity(file)
  return identity !== null && isAlive(identity) ? identity : null
}

function stateOf(directory: DataDirectory): Promise<GatewayState | null> {
  return gatewayClient(directory.socket('gateway'))
    .state()
    .catch(() => null)
}

function cannot(code: string, title: string, hint: string): ProblemError {
  return new ProblemError({ status: 409, code, title, hint })
}
