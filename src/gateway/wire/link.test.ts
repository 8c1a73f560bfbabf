/** What a link writes: together at the end of the turn, in order, whole, and before whatever else is done to it. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { after, test } from 'node:test'
import { linkTo } from './link.ts'
import type { Link, LinkListener } from './link.ts'

const servers: Server[] = []
after(() => servers.forEach((server) => server.close()))

type Read = { chunks: string[]; ended: Promise<string> }

/** A link, and what comes at its other end. */
async function open(): Promise<{ link: Link; read: Read; drained: () => Promise<void> }> {
  const chunks: string[] = []
  let [wake, drains] = [() => {}, 0]
  const accepted = Promise.withResolvers<Socket>()
  const server = createServer((socket) => accepted.resolve(socket)).listen(0, '127.0.0.1')
  servers.push(server)
  await new Promise((resolve) => server.once('listening', resolve))
  const listener: LinkListener = {
    data: () => {},
    ended: () => {},
    drained: () => (drains++, wake()),
    closed: () => {},
  }
  const { port } = server.address() as AddressInfo
  const link = await new Promise<Link>((resolve) => {
    const made: Link = linkTo({ host: '127.0.0.1', port }, listener, () => resolve(made))
  })
  const socket = await accepted.promise
  const ended = new Promise<string>((resolve) => {
    socket.on('data', (chunk) => chunks.push(chunk.toString('latin1')))
    socket.on('error', () => resolve(chunks.join('')))
    socket.on('close', () => resolve(chunks.join('')))
  })
  const drained = async () => {
    while (drains === 0) await new Promise<void>((resolve) => (wake = resolve))
  }
  return { link, read: { chunks, ended }, drained }
}

test('what is written in one turn is one write, in its order', async () => {
  const { link, read } = await open()
  for (const text of ['one ', 'two ', 'three']) assert.equal(link.write(text), true)
  assert.equal(link.waiting, 13)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(link.waiting, 0)
  link.end()
  assert.equal(await read.ended, 'one two three')
  assert.equal(read.chunks[0], 'one two three')
})

for (const how of ['end', 'destroy'] as const)
  test(`what was written in the same turn goes out before \`${how}\``, async () => {
    const { link, read } = await open()
    link.write('first ')
    link.write('last')
    link[how]()
    assert.equal(await read.ended, 'first last')
  })

test('a socket that is given away has what was written before it, and nothing after', async () => {
  const { link, read } = await open()
  link.write('before ')
  const socket = link.release('')
  socket.end('after')
  assert.equal(await read.ended, 'before after')
})

test('large writes go at once, behind what was written before, and a full socket is said and drained', async () => {
  const { link, read, drained } = await open()
  const large = 'x'.repeat(32 * 1024 * 1024)
  link.write('small')
  assert.equal(link.write(large), false)
  assert.equal(link.write('more'), false)
  await drained()
  link.end()
  const all = await read.ended
  assert.equal(all.length, large.length + 9)
  assert.ok(all.startsWith('smallx') && all.endsWith('xmore'))
})

test('many links in one turn: all is written, each its own', async () => {
  const all = await Promise.all(Array.from({ length: 200 }, open))
  for (const [index, { link }] of all.entries()) link.write(`number ${index}`)
  await new Promise((resolve) => setImmediate(resolve))
  for (const { link } of all) link.end()
  const said = await Promise.all(all.map(({ read }) => read.ended))
  assert.deepEqual(
    said,
    all.map((_, index) => `number ${index}`),
  )
})
