import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { bindSocket } from '../gateway/wire/bind.ts'
import { canPass, offerDescriptors, takeDescriptors } from './descriptors.ts'

const skip = canPass() ? false : 'no descriptors pass on this system'
const directory = mkdtempSync(join(tmpdir(), 'beryl-descriptors-'))
after(() => rmSync(directory, { recursive: true }))

test(
  'a copy outlives whoever listened on the first one, with the connections that wait in it',
  { skip },
  async () => {
    const path = join(directory, 'sockets.sock')
    const bound = [0, 1, 2].map(() => bindSocket({ host: '127.0.0.1', port: 0, reusePort: true }))
    const offer = await offerDescriptors(
      path,
      bound.map(({ fd }) => fd),
      { of: 'this test' },
    )
    await offer.place()
    const [first, second] = await Promise.all([
      takeDescriptors<{ of: string }>(path),
      takeDescriptors(path),
    ])
    assert.deepEqual(first.about, { of: 'this test' })
    assert.equal(new Set([...first.sockets, ...second.sockets].map(({ fd }) => fd)).size, 6)
    const old = createServer().listen({ fd: first.sockets[1]!.fd })
    await once(old, 'listening')
    // Nobody accepts any more, and the socket listens still: who comes now waits.
    old.close()
    const client = connect(bound[1]!.port, '127.0.0.1')
    await once(client, 'connect')
    const next = createServer((socket) => socket.end('the next one'))
    next.listen({ fd: second.sockets[1]!.fd })
    const [said] = (await once(client, 'data')) as [Buffer]
    assert.equal(said.toString(), 'the next one')
    client.destroy()
    next.close()
    offer.close()
  },
)

test('where nobody offers any it says so', { skip }, () =>
  assert.rejects(takeDescriptors(join(directory, 'nobody.sock')), /no sockets were handed over/),
)
