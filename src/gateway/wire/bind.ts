/**
 * The private door: a socket that is bound and does not listen. Node's own `cluster` makes its sockets this way; it is not
 * part of the public API, so everything passes without it too (`canBind` says whether it is there). Rulings §7.
 */
import * as net from 'node:net'

type Handle = {
  fd: number
  close(done?: () => void): void
  getsockname(out: { port?: number }): number
}
type CreateHandle = (
  address: string,
  port: number,
  addressType: 4 | 6,
  fd: number | undefined,
  flags: number,
) => Handle | number

/** UV_TCP_REUSEPORT in libuv ≥ 1.49. */
const reusePortFlag = 2

const createHandle = (net as unknown as { _createServerHandle?: CreateHandle })._createServerHandle

export function canBind(): boolean {
  return process.platform === 'linux' && createHandle !== undefined
}

export type BoundSocket = { fd: number; port: number; close(): void }

/** @throws with the system's own word when the address cannot be bound */
export function bindSocket({
  host,
  port,
  reusePort,
}: {
  host: string
  port: number
  reusePort: boolean
}): BoundSocket {
  const address = host === 'localhost' ? '127.0.0.1' : host
  const handle = createHandle!(
    address,
    port,
    address.includes(':') ? 6 : 4,
    undefined,
    reusePort ? reusePortFlag : 0,
  )
  if (typeof handle === 'number') throw new Error(describe(handle))
  const bound: { port?: number } = {}
  handle.getsockname(bound)
  // libuv keeps "address in use" back until somebody listens; until then the socket has no port.
  if (!bound.port) {
    handle.close()
    throw new Error(describe(-98))
  }
  return { fd: handle.fd, port: bound.port ?? port, close: () => handle.close() }
}

function describe(errno: number): string {
  const words: Record<number, string> = {
    [-98]: 'the port is in use',
    [-13]: 'ports below 1024 need rights that this user lacks',
    [-22]: 'expected an IP address or localhost',
    [-99]: 'this machine has no such address',
  }
  return words[errno] ?? `the system refused (errno ${-errno})`
}
