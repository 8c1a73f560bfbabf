/** Holds the traffic ports for whichever gateway runs: bound here, listened on there (rulings §7). */
import { resolve } from 'node:path'
import type { Manifest } from '../config/manifest.ts'
import { gatewayClient } from '../gateway/client.ts'
import type { GatewayConfig } from '../gateway/config.ts'
import type { Held } from '../gateway/held-sockets.ts'
import { bindSocket, canBind } from '../gateway/wire/bind.ts'
import type { DataDirectory } from '../ipc/data-directory.ts'
import { canPass, takeDescriptors } from '../ipc/descriptors.ts'
import type { Taken } from '../ipc/descriptors.ts'
import { ProblemError } from '../ipc/problem.ts'
import { whyNotFree } from './why-not-free.ts'
import type { Address } from './why-not-free.ts'

export type BoundSockets = {
  gatewayConfig: GatewayConfig
  descriptors: readonly number[]
  close(): void
}

/** The first descriptor after standard input, output and error. */
const firstInherited = 3

/** @param home what paths of the manifest are relative to @throws when a port is in use, or may not be used */
export async function bindAll(
  manifest: Manifest,
  directory: DataDirectory,
  home: string,
): Promise<BoundSockets> {
  const { workers, headers, tls, accessLog } = manifest.gateway
  const { listen, preview } = await keepPorts(manifest, directory)
  const base = {
    dataDirectory: directory.root,
    workers,
    tls:
      tls?.map(({ cert, key }) => ({ cert: resolve(home, cert), key: resolve(home, key) })) ?? null,
    headers: headers ?? (isLoopback(listen.host) ? 'full' : 'id'),
    accessLog: accessLog ?? null,
    telemetry: manifest.telemetry ?? null,
  } as const
  // Without the private door the gateway listens by itself; everything else is the same.
  if (!canBind())
    return {
      gatewayConfig: { ...base, listen, preview, sockets: null },
      descriptors: [],
      close: () => {},
    }
  const held = await takeHeld(directory)
  const traffic = bindEach(listen, workers, {
    key: 'gateway.listen',
    held: heldFor(held, 'listen', listen),
  })
  const previews =
    preview === null
      ? []
      : bindEach(preview, workers, {
          key: 'gateway.preview',
          held: heldFor(held, 'preview', preview),
        })
  const all = [...traffic, ...previews]
  // Of an address that the manifest does not name any more.
  for (const socket of held?.sockets ?? [])
    if (!all.some(({ fd }) => fd === socket.fd)) socket.close()
  return {
    gatewayConfig: {
      ...base,
      listen: { ...listen, port: traffic[0]!.port },
      preview: preview === null ? null : { ...preview, port: previews[0]!.port },
      sockets: {
        traffic: traffic.map((_, index) => firstInherited + index),
        preview: previews.map((_, index) => firstInherited + traffic.length + index),
      },
    },
    descriptors: all.map(({ fd }) => fd),
    close: () => {
      for (const socket of all) socket.close()
    },
  }
}

/** Where the system chose the port, a gateway that runs already keeps it. */
async function keepPorts(
  manifest: Manifest,
  directory: DataDirectory,
): Promise<{ listen: Address; preview: Address | null }> {
  const { listen, preview = null } = manifest.gateway
  const running = await gatewayClient(directory.socket('gateway'))
    .state()
    .catch(() => null)
  await notAnother(listen, 'gateway.listen', running?.listen)
  if (preview !== null) await notAnother(preview, 'gateway.preview', running?.preview)
  if (running === null) return { listen, preview }
  return {
    listen: listen.port === 0 ? { ...listen, port: running.listen.port } : listen,
    preview: preview?.port === 0 ? { ...preview, port: running.preview?.port ?? 0 } : preview,
  }
}

/** What a gateway that runs already listens on: held from now on, so that nobody is refused should it die. */
async function takeHeld(directory: DataDirectory): Promise<Taken<Held> | null> {
  return canPass() ? takeDescriptors<Held>(directory.socket('held')).catch(() => null) : null
}

function heldFor(held: Taken<Held> | null, which: 'listen' | 'preview', at: Address): Socket[] {
  const there = held?.about[which]
  if (held === null || there?.port !== at.port || there.host !== at.host) return []
  const { traffic } = held.about
  const sockets = which === 'listen' ? held.sockets.slice(0, traffic) : held.sockets.slice(traffic)
  return sockets.map((socket) => ({ ...socket, port: at.port }))
}

type Socket = { fd: number; port: number; close(): void }

/** One for each worker at least; what is held already stays, for connections wait in it. */
function bindEach(
  address: Address,
  count: number,
  { key, held }: { key: string; held: readonly Socket[] },
): Socket[] {
  const sockets = [...held]
  try {
    while (sockets.length < count) {
      sockets.push(
        bindSocket({
          host: address.host,
          port: sockets[0]?.port ?? address.port,
          // One worker's too: more may be bound beside it.
          reusePort: true,
        }),
      )
    }
    return sockets
  } catch (cause) {
    for (const socket of sockets) socket.close()
    throw taken(address, key, (cause as Error).message, cause)
  }
}

/**
 * The workers' sockets share their port, and would share it with those of another Beryl as well, which then got half of
 * everybody's requests. Only a gateway of this data directory may hold it already.
 */
async function notAnother(
  address: Address,
  key: string,
  own: Address | null | undefined,
): Promise<void> {
  if (own?.port === address.port) return
  const why = await whyNotFree(address)
  if (why !== null) throw taken(address, key, why)
}

/** @param key of the manifest */
export function taken(
  { host, port }: Address,
  key: string,
  why: string,
  cause?: unknown,
): ProblemError {
  const name = host.includes(':') ? `[${host}]` : host
  return new ProblemError(
    {
      status: 409,
      code: 'address-taken',
      title: `cannot listen on ${name}:${port}: ${why}`,
      hint: `change ${key} in the manifest, or stop what uses the port`,
    },
    { cause },
  )
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
