/**
 * The least that Node's sockets cost: what one side sends goes to the other, and nothing is looked at. Reads and writes are made
 * as the gateway makes them: one buffer for all reads of the model server, and all writes of a turn at its end. What the gateway
 * costs above it is its own; what this costs above nginx is Node's. Prints its port. Arguments: the model server's port, and that
 * of one that gets all of it too, whose answers are thrown away.
 */
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

const [upstream, copies] = process.argv.slice(2).map(Number)
const buffer = Buffer.allocUnsafeSlow(64 * 1024)
let written: { to: Socket; text: string }[] = []

const server = createServer({ noDelay: true }, (client) => {
  const model = dial(upstream!, (text) => write(client, text))
  const copy = copies === undefined ? null : dial(copies, () => {})
  const all = [client, model, ...(copy === null ? [] : [copy])]
  const end = () => all.forEach((socket) => socket.destroy())
  for (const socket of all) socket.on('error', end).on('close', end)
  client.on('data', (chunk) => {
    const text = chunk.toString('latin1')
    write(model, text)
    if (copy !== null) write(copy, text)
  })
}).listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))

function dial(port: number, heard: (text: string) => void): Socket {
  return connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer,
      callback: (length) => {
        heard(buffer.toString('latin1', 0, length))
        return true
      },
    },
  })
}

function write(to: Socket, text: string): void {
  if (written.push({ to, text }) === 1) setImmediate(writeAll)
}

function writeAll(): void {
  const now = written
  written = []
  for (const { to, text } of now) to.write(text, 'latin1')
}
