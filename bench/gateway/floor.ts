/**
 * The least that Node's sockets cost: what one side sends goes to the other, and nothing is looked at. Reads and writes are made
 * as the gateway makes them: one buffer for all reads of the model server, and all writes of a turn at its end. What the gateway
 * costs above it is its own; what this costs above nginx is Node's. Prints its port. Argument: the model server's port.
 */
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

const upstream = Number(process.argv[2])
const buffer = Buffer.allocUnsafeSlow(64 * 1024)
let written: { client: Socket; text: string }[] = []

const server = createServer({ noDelay: true }, (client) => {
  const model = connect({
    port: upstream,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer,
      callback: (length) => {
        const text = buffer.toString('latin1', 0, length)
        if (written.push({ client, text }) === 1) setImmediate(writeAll)
        return true
      },
    },
  })
  const end = () => {
    client.destroy()
    model.destroy()
  }
  for (const socket of [client, model]) socket.on('error', end).on('close', end)
  client.on('data', (chunk) => model.write(chunk))
}).listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))

function writeAll(): void {
  const now = written
  written = []
  for (const { client, text } of now) client.write(text, 'latin1')
}
