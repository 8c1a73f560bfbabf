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

export function isPortFree(host: string, port: number): Promise<boolean> {
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
