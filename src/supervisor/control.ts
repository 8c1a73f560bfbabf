/** What a supervisor is asked by commands on the same machine: over a Unix socket that only its user may open. */
import { Hono } from 'hono'
import { call } from '../ipc/call.ts'
import type { DataDirectory } from '../ipc/data-directory.ts'
import { isNobodyThere, ProblemError } from '../ipc/problem.ts'
import { asProblem, serveSocket } from '../ipc/serve.ts'
import type { HandedOver } from './hand-over.ts'

/** Until a supervisor that was asked has let go of everything. */
export const stepAsideMs = 10_000
/** A start, with its own limit, and what goes before it. */
const restartMs = 60_000

export async function openControl(
  directory: DataDirectory,
  restartGateway: () => Promise<HandedOver>,
): Promise<{ aside: Promise<void>; close(): Promise<void> }> {
  let stepAside = () => {}
  let restarting: Promise<unknown> | null = null
  const aside = new Promise<void>((resolve) => (stepAside = resolve))
  const app = asProblem(new Hono())
  app.post('/restart-gateway', async (context) => {
    if (restarting !== null) throw busy()
    const restart = restartGateway()
    restarting = restart
    try {
      return context.json(await restart)
    } finally {
      restarting = null
    }
  })
  app.post('/step-aside', (context) => {
    if (restarting !== null) throw busy()
    setImmediate(stepAside)
    return context.json(null)
  })
  const socket = await serveSocket(app, directory.socket('supervisor'))
  return { aside, close: () => socket.close() }
}

/** @throws ProblemError `not-running`, and whatever was in the way: then the gateway that ran goes on */
export async function askToRestartGateway(directory: DataDirectory): Promise<HandedOver> {
  return ask<HandedOver>(directory, 'restart-gateway', restartMs).catch((error: unknown) => {
    if (!isNobodyThere(error)) throw error
    throw new ProblemError({
      status: 409,
      code: 'not-running',
      title: `no \`beryl up\` runs on ${directory.root}`,
      hint: 'say where it is with --data DIR',
    })
  })
}

/** Where nobody runs there is nobody to ask. */
export async function askToStepAside(directory: DataDirectory): Promise<void> {
  await ask(directory, 'step-aside', stepAsideMs).catch((error: unknown) => {
    if (!isNobodyThere(error)) throw error
  })
}

function ask<Answer>(directory: DataDirectory, what: string, timeoutMs: number): Promise<Answer> {
  return call<Answer>(directory.socket('supervisor'), {
    method: 'POST',
    path: `/${what}`,
    timeoutMs,
  })
}

function busy(): ProblemError {
  return new ProblemError({
    status: 409,
    code: 'handing-over',
    title: 'the gateway is being replaced by another one',
    hint: 'ask again: it is over within a minute',
  })
}
