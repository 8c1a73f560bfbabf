/** Asks the system for an address as anybody else would, and gives it back. */
import { createServer } from 'node:net'

export type Address = { host: string; port: number }

/** What the system says about an address → what a person makes of it. */
const troubles: Record<string, string> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'ports below 1024 need rights that this user lacks',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'nobody knows this host name',
  EAI_AGAIN: 'the host name cannot be looked up now',
}

/** Null when it is free; else why not. Sockets that share their port with their own kind still hold it against others. */
export function whyNotFree({ host, port }: Address): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', ({ code, message }: NodeJS.ErrnoException) =>
      resolve(troubles[code ?? ''] ?? message),
    )
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(null)))
  })
}
