/** A switch in steps, from the client's side: real sockets, a real gateway, ten thousand users. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import type { Observation, Split } from './control.ts'
import { dataDirectory } from '../ipc/data-directory.ts'
import { hashOf } from './hash.ts'
import { readRequestId, requestKey } from './request-id.ts'
import { sideOf } from './split.ts'
import type { SlottedEnvironment } from './slotted.ts'
import { openGateway, openModel, placed, saying, tableOf, until } from './testing/gateway.ts'
import type { Model, TestGateway } from './testing/gateway.ts'

let gateway: TestGateway
let [old, own]: Model[] = []
let generation = 0

before(async () => {
  gateway = await openGateway()
  ;[old, own] = await Promise.all([openModel(saying('old')), openModel(saying('new'))])
})
after(async () => {
  await gateway?.close()
  old?.close()
  own?.close()
})

/** Blue has v1, green has v2 and this part of the traffic. */
async function split(share: number, sticky: Split['sticky'], more: object = {}) {
  const environments = { blue: placed('v1', [old!.port]), green: placed('v2', [own!.port]) }
  const parted = { split: { to: 'green' as const, share, sticky }, ...more }
  generation += 2
  const table = tableOf(generation - 1, 'blue', environments, parted)
  const back = tableOf(generation, 'blue', environments)
  await gateway.client.putTable('s', { table, back })
}

/** The last step of it: green is live, and the way back is prepared. */
async function all() {
  const environments = { blue: placed('v1', [old!.port]), green: placed('v2', [own!.port]) }
  generation += 2
  const table = tableOf(generation - 1, 'green', environments)
  await gateway.client.putTable('s', { table, back: tableOf(generation, 'blue', environments) })
}

/** The versions that answered requests with these header lines, in order: pipelined over one connection. */
async function answersTo(lines: readonly string[]): Promise<string[]> {
  const socket = connect(gateway.port, '127.0.0.1')
  let text = ''
  const versions: string[] = []
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`closed after ${versions.length} answers`)))
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1')
      const found = [...text.matchAll(/Beryl-Version: (\w+)\r\n/g)]
      versions.push(...found.map(([, version]) => version!))
      const last = found.at(-1)
      if (last !== undefined) text = text.slice(last.index + last[0].length)
      if (versions.length >= lines.length) resolve()
    })
    for (const line of lines) socket.write(`GET / HTTP/1.1\r\nHost: a\r\n${line}\r\n`)
  })
  socket.removeAllListeners('close')
  socket.destroy()
  return versions
}

const users = Array.from({ length: 10_000 }, (_, at) => `X-User: user-${at}\r\n`)
const byUser = { by: 'header', name: 'x-user' } as const

/** Five standard deviations of so many throws of a coin. */
function isNear(count: number, of: number, share: number): boolean {
  return Math.abs(count - of * share) <= 5 * Math.sqrt(of * share * (1 - share))
}

test('each of 10,000 users changes sides once, while shares only grow, and all go back at once', async () => {
  const before = new Set<number>()
  for (const share of [0.1, 0.5]) {
    await split(share, byUser)
    const versions = await answersTo(users)
    const moved = versions.flatMap((version, at) => (version === 'v2' ? [at] : []))
    assert.ok(isNear(moved.length, users.length, share), `${moved.length} at ${share}`)
    const there = new Set(moved)
    assert.ok(
      [...before].every((user) => there.has(user)),
      'nobody goes back while the share grows',
    )
    for (const user of moved) before.add(user)
  }
  const again = await answersTo(users.slice(0, 500))
  assert.ok(again.every((version, at) => (version === 'v2') === before.has(at)))
  await all()
  assert.ok((await answersTo(users.slice(0, 500))).every((version) => version === 'v2'))
  await gateway.client.back('s', { generation })
  assert.ok((await answersTo(users.slice(0, 500))).every((version) => version === 'v1'))
})

test('without a key a coin is thrown for each request, and it is said of each how it was drawn', async () => {
  await split(0.25, null)
  const versions = await answersTo(users.slice(0, 2000))
  const own2 = versions.filter((version) => version === 'v2').length
  assert.ok(isNear(own2, 2000, 0.25), `${own2}`)
  const items = await seenNow(2000)
  assert.ok(items.every(({ share, client }) => share === 0.25 && client === 0))
  assert.equal(items.filter(({ version }) => version === 'v2').length, own2)
})

test('a client is known by header, cookie or address; who does not say who it is stays where it was', async () => {
  await split(0.5, { by: 'cookie', name: 'id' })
  const cookies = Array.from({ length: 200 }, (_, at) => `Cookie: a=b; id=${at}\r\n`)
  const first = await answersTo(cookies)
  assert.deepEqual(await answersTo(cookies), first)
  assert.equal(new Set(first).size, 2)
  assert.deepEqual(new Set(await answersTo(users.slice(0, 200))), new Set(['v1']))
  await split(0.5, { by: 'address' })
  assert.equal(new Set(await answersTo(users.slice(0, 200))).size, 1)
})

test("an answer's id says which client was drawn, as its observation does: feedback is counted by clients, too", async () => {
  const key = requestKey(dataDirectory(gateway.root).requestKey)
  const idFor = async (headers: Record<string, string>) => {
    const { headers: answered } = await gateway.ask('/', { headers: { host: 'a', ...headers } })
    return readRequestId(key, String(answered['beryl-request-id']))!
  }
  await split(0.5, byUser)
  const ids = [
    await idFor({ 'x-user': 'ann' }),
    await idFor({ 'x-user': 'ann' }),
    await idFor({ 'x-user': 'bob' }),
    await idFor({}),
  ]
  const seen = new Map((await seenNow(4)).map(({ seq, client }) => [seq, client]))
  assert.deepEqual(
    ids.map(({ client }) => client),
    ids.map(({ seq }) => seen.get(seq)),
  )
  const [ann, again, bob, nobody] = ids.map(({ client }) => client)
  assert.equal(ann, again)
  assert.notEqual(ann, bob)
  assert.equal(nobody, 0)
})

test('what answers a part of the clients is not forgotten and not cut, nor split with nothing', async () => {
  await split(0.5, null)
  const asked = { environment: 'green', generation: generation - 1 } as const
  await assert.rejects(gateway.client.forget('s', asked), /answers clients/)
  await assert.rejects(
    gateway.client.cut('s', { environment: 'green', because: 'a test' }),
    /answers clients/,
  )
  const bad = (more: Partial<Split>, green: number[]) => {
    const environments = { blue: placed('v1', [old!.port]), green: placed('v2', green) }
    const parted = { split: { to: 'green' as const, share: 0.5, sticky: null, ...more } }
    const table = tableOf(generation + 1, 'blue', environments, parted)
    return gateway.client.putTable('s', { table, back: null })
  }
  await assert.rejects(bad({}, []), /no second place/)
  await assert.rejects(bad({ to: 'blue' }, [own!.port]), /no second place/)
  for (const share of [0, 1, 1.5, NaN])
    await assert.rejects(bad({ share }, [own!.port]), /lies between 0 and 1/)
})

test('a gateway that was killed goes on with the same users on the same sides', async () => {
  await split(0.5, byUser)
  const some = users.slice(0, 500)
  const first = await answersTo(some)
  await gateway.restart()
  assert.deepEqual(await answersTo(some), first)
})

test('copies go to the version that was left, of what the new one answered and of nothing else', async () => {
  await split(0.5, null, {
    copies: { to: 'blue', share: 1, methods: ['GET'], exclude: [] },
  })
  const versions = await answersTo(users.slice(0, 100))
  const moved = versions.filter((version) => version === 'v2').length
  const items = await seenNow(100 + moved)
  const copies = items.filter(({ isCopy }) => isCopy === true)
  assert.equal(copies.length, moved)
  const seqOfNew = items.filter(({ isCopy, version }) => isCopy !== true && version === 'v2')
  assert.deepEqual(
    copies.map(({ seq }) => seq).toSorted((a, b) => a - b),
    seqOfNew.map(({ seq }) => seq).toSorted((a, b) => a - b),
  )
})

test('another release draws its users anew', () => {
  const at = (release: string, user: number): boolean => {
    const [to, live] = [{ release } as SlottedEnvironment, {} as SlottedEnvironment]
    const lines = `\r\nX-User: ${user}\r\n`
    const exchange = { fields: { lines }, remoteAddress: '' }
    const side = sideOf({ to, share: 0.5, sticky: byUser }, live, exchange as never, () => 0)
    return side!.environment === to
  }
  const both = users.filter((_, user) => at('r7', user) && at('r8', user)).length
  assert.ok(isNear(both, users.length, 0.25), `${both}`)
  assert.notEqual(hashOf('r7'), hashOf('r8'))
})

/** What was seen of the table that is stored now; the last batches of an earlier one may still be on their way. */
async function seenNow(count: number): Promise<readonly Observation[]> {
  const { run } = await gateway.client.state()
  let next = 0
  const seen: Observation[] = []
  await until(
    async () => {
      const more = await gateway.client.observations(run, next)
      next = more.next
      seen.push(...more.items.filter((item) => item.generation === generation - 1))
      return seen.length
    },
    (length) => length >= count,
  )
  return seen
}
