import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RouteIndex } from './routes.ts'
import type { Route } from './routes.ts'

const segment = fc.constantFrom('a', 'b', 'ab', '')
const path = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`)
const host = fc.constantFrom('one.example', 'two.example')

test('the route found is the one that a slow, obvious search finds', () => {
  const routes = fc.array(fc.record({ host: fc.option(host), path, target: fc.nat() }), {
    maxLength: 8,
  })
  const asked = fc.tuple(
    host,
    path,
    fc.constantFrom('', '/', '?x=/a/b', '/?'),
    fc.constantFrom('', ':80'),
  )
  fc.assert(
    fc.property(routes, asked, fc.func(fc.boolean()), (all, [name, start, end, port], leads) => {
      const take = (route: Route<number>) => (leads(route) ? route : null)
      const found = new RouteIndex(all).find(`${name.toUpperCase()}${port}`, start + end, take)
      assert.equal(
        found,
        slowly(
          all.filter((route) => leads(route)),
          name,
          (start + end).split('?')[0]!,
        ),
      )
    }),
    { numRuns: 2000 },
  )
})

test('a target that is no path belongs to whoever takes all of them', () => {
  const all = { host: null, path: '/', target: 1 }
  const take = (route: Route<number>) => route
  assert.equal(new RouteIndex([all]).find('h', '*', take), all)
  assert.equal(new RouteIndex([{ ...all, path: '/v1' }]).find('h', '*', take), null)
})

/** The own host before any, the longer path before the shorter, the later before the earlier. */
function slowly(
  routes: readonly Route<number>[],
  host: string,
  asked: string,
): Route<number> | null {
  const bare = (one: string) => (one.endsWith('/') ? one.slice(0, -1) : one)
  const isUnder = (one: string) =>
    bare(asked) === bare(one) || bare(asked).startsWith(`${bare(one)}/`)
  const fits = routes.filter(
    (route) => (route.host === null || route.host === host) && isUnder(route.path),
  )
  const rank = ({ host: own, path: one }: Route<number>) =>
    (own === null ? 0 : 1000) + bare(one).length
  return fits.reduce<Route<number> | null>(
    (best, one) => (best === null || rank(one) >= rank(best) ? one : best),
    null,
  )
}
