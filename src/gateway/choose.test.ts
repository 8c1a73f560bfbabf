import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chooseReplica } from './choose.ts'
import type { Sight } from './choose.ts'
import { hashOf } from './hash.ts'

type Replica = { id: string; load: number; usable: boolean }

function sightOf(random: () => number): Sight<Replica> {
  return {
    load: ({ load }) => load,
    usable: ({ usable }) => usable,
    hash: ({ id }) => hashOf(id),
    random,
  }
}

/** Mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const replicas = fc
  .array(fc.record({ load: fc.nat(50), usable: fc.boolean() }), { minLength: 1, maxLength: 20 })
  .map((all) => all.map((one, index): Replica => ({ id: `r${index}`, ...one })))
const key = fc.option(fc.nat(2 ** 32 - 1), { nil: null })
const limit = fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 40 }))
const seed = fc.integer()

test('no replica that was left out, and none at its limit, is ever chosen while another may be', () => {
  fc.assert(
    fc.property(replicas, key, limit, seed, (all, wish, most, chance) => {
      const found = chooseReplica(all, sightOf(randomOf(chance)), { limit: most, key: wish })
      const free = all.filter(({ usable, load }) => usable && load < most)
      if (free.length > 0) return typeof found === 'number' && free.includes(all[found]!)
      if (all.some(({ usable }) => usable)) return found === 'full'
      return typeof found === 'number'
    }),
    { numRuns: 2000 },
  )
})

test('nothing to choose from is said so', () => {
  const asked = { limit: Infinity, key: null }
  assert.equal(chooseReplica([], sightOf(Math.random), asked), 'none')
})

test('up to eight replicas the one with the fewest requests is chosen; beyond, never the one with the most', () => {
  fc.assert(
    fc.property(replicas, seed, (all, chance) => {
      const usable = all.filter((one) => one.usable)
      fc.pre(usable.length > 1)
      const found = chooseReplica(all, sightOf(randomOf(chance)), { limit: Infinity, key: null })
      const loads = usable.map(({ load }) => load)
      const load = all[found as number]!.load
      if (all.length <= 8) return load === Math.min(...loads)
      const [most, second] = loads.toSorted((a, b) => b - a)
      return load < most! || most === second || all.length !== usable.length
    }),
    { numRuns: 2000 },
  )
})

test('the same key goes to the same replica, whatever the chance and the load', () => {
  fc.assert(
    fc.property(replicas, fc.nat(2 ** 32 - 1), seed, seed, (all, wish, one, other) => {
      const asked = { limit: Infinity, key: wish }
      const busier = all.map((replica) => ({ ...replica, load: replica.load + (other & 7) }))
      fc.pre(all.some(({ usable }) => usable))
      return (
        chooseReplica(all, sightOf(randomOf(one)), asked) ===
        chooseReplica(busier, sightOf(randomOf(other)), asked)
      )
    }),
    { numRuns: 1000 },
  )
})

test('when a replica is left out only its own clients move, and they come back with it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 20 }), fc.nat(19), seed, (count, which, chance) => {
      const random = randomOf(chance)
      const gone = which % count
      const all = Array.from({ length: count }, (_, index) => ({
        id: `replica-${index}`,
        load: 0,
        usable: true,
      }))
      const without = all.map((one, index) => ({ ...one, usable: index !== gone }))
      return Array.from({ length: 50 }, () => Math.floor(random() * 2 ** 32)).every((wish) => {
        const asked = { limit: Infinity, key: wish }
        const before = chooseReplica(all, sightOf(random), asked)
        const after = chooseReplica(without, sightOf(random), asked)
        return before === gone ? after !== gone : after === before
      })
    }),
  )
})

/** Six standard deviations: once in 500 million draws by chance. */
function assertShare(count: number, draws: number, share: number): void {
  const off = 6 * Math.sqrt(draws * share * (1 - share))
  assert.ok(
    Math.abs(count - draws * share) <= off,
    `${count} of ${draws}, expected ${draws * share} ± ${off}`,
  )
}

for (const count of [2, 3, 8, 9, 20]) {
  test(`${count} idle replicas get equal shares, by chance and by key, within binomial bounds`, () => {
    const random = randomOf(count)
    const draws = 20_000
    const all = Array.from({ length: count }, (_, index) => ({
      id: `chat-blue-r7-${index}`,
      load: 0,
      usable: true,
    }))
    for (const keyed of [false, true]) {
      const got = all.map(() => 0)
      for (let draw = 0; draw < draws; draw++) {
        const wish = keyed ? hashOf(`conversation-${draw}`) : null
        got[chooseReplica(all, sightOf(random), { limit: Infinity, key: wish }) as number]!++
      }
      for (const shares of got) assertShare(shares, draws, 1 / count)
    }
  })
}

test('with more than eight replicas load stays nearly even though only two are looked at', () => {
  const random = randomOf(7)
  const all = Array.from({ length: 20 }, (_, index) => ({ id: `r${index}`, load: 0, usable: true }))
  for (let claims = 0; claims < 20_000; claims++)
    all[chooseReplica(all, sightOf(random), { limit: Infinity, key: null }) as number]!.load++
  const loads = all.map(({ load }) => load)
  assert.ok(Math.max(...loads) - Math.min(...loads) < 10, loads.join(' '))
})
