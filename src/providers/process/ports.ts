/** Ports for model servers: asked of the system, and promised to one replica only. */
import { createServer } from 'node:net'

const triesMax = 20

/** A loopback port that nobody listens on and that is not promised to another replica. */
export async function freePort(host: string, taken: ReadonlySet<number>): Promise<number> {
  for (let tries = 0; tries < triesMax; tries++) {
    const port = await systemChosen(host)
    if (!taken.has(port)) return port
  }
  throw new Error(
    `no free port on ${host} after ${triesMax} tries: ${taken.size} are promised to replicas already`,
  )
}

/** @param always no other one @param before the one it had; 0: none @returns why it has to wait, where somebody else is on its only one */
export async function portOf(
  host: string,
  {
    always,
    before,
    taken,
  }: { always: number | undefined; before: number; taken: ReadonlySet<number> },
): Promise<number | { wait: string }> {
  const asked = always ?? before
  if (asked !== 0 && (await isPortFree(host, asked))) return asked
  if (always === undefined) return freePort(host, taken)
  return { wait: `port ${always}, where it is to answer, is taken by another program` }
}

function isPortFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

function systemChosen(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port: 0, exclusive: true }, () => {
      const address = server.address()
      server.close(() =>
        address !== null && typeof address === 'object'
          ? resolve(address.port)
          : reject(new Error('no port')),
      )
    })
  })
}
