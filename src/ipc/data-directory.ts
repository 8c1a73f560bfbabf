/** Where everything of one Beryl lies. */
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export type DataDirectory = ReturnType<typeof dataDirectory>

export function dataDirectory(path: string) {
  const root = resolve(path)
  return {
    root,
    database: join(root, 'beryl.db'),
    routes: join(root, 'routes.json'),
    adminToken: join(root, 'admin.token'),
    /** The manifest as `beryl up` checked it; secrets stand in it by name only. */
    manifest: join(root, 'manifest.yaml'),
    requestKey: join(root, 'request.key'),
    /** What `beryl` commands read to find the running API: `{ url, gateway, preview, pid }`. */
    running: join(root, 'running.json'),
    logs: join(root, 'logs'),
    replicaLogs: join(root, 'logs', 'replicas'),
    /** Recorded exchanges, a directory for each service. */
    captures: join(root, 'captures'),
    lock: (role: ProcessRole) => join(root, `${role}.lock.db`),
    socket: (name: SocketName) => socketPath(root, name),
    /** Who runs in this role: an identity. */
    process: (role: ProcessRole | 'gateway-next' | 'gateway-leaving') =>
      join(root, `${role}.process.json`),
  }
}

/** A process's log line that says why it cannot start; the words for the person follow. */
export const cannotStart = 'cannot start: '

export type ProcessRole = 'supervisor' | 'gateway' | 'controller' | 'examiner'

/**
 * Where processes are spoken to; at `tap` the examiner hears what the gateway taps, at `held` the gateway hands on the sockets that it
 * listens on, at `leaving` one answers that hands over to another.
 */
export type SocketName = ProcessRole | 'tap' | 'held' | 'leaving'

/** Unix socket paths end at 103 bytes on macOS and 107 on Linux; a deep data directory gets a short one instead. */
const socketPathMax = 94

/** Where a process makes a socket that then takes the place of another's: at most nine bytes more. */
export function asideOf(path: string, pid = process.pid): string {
  return `${path}.${pid}`
}

function socketPath(root: string, name: SocketName): string {
  const direct = join(root, `${name}.sock`)
  if (Buffer.byteLength(direct) <= socketPathMax) return direct
  return join(
    tmpdir(),
    `beryl-${createHash('sha256').update(root).digest('hex').slice(0, 16)}-${name}.sock`,
  )
}
