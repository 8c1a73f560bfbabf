/** The walk of one request by itself, between an exchange and calls that do as the test says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Claim } from './claim.ts'
import { forward, openMs } from './forward.ts'
import { usualRules } from './rules.ts'
import type { CallListener, Exchange, ExchangeListener } from './wire/wire.ts'

/** @param takes whether its model server has room for more */
function walking(takes = true) {
  const said: string[] = []
  const calls: CallListener[] = []
  let heard!: ExchangeListener
  const exchange = {
    method: 'POST',
    target: '/',
    fields: { lines: 'Host: a\r\n', dropped: [], host: 'a', upgrade: null, forwardedFor: '' },
    remoteAddress: '127.0.0.1',
    body: 'open',
    upgrade: false,
    hear: (listener: ExchangeListener) => (heard = listener),
    readBody: () => said.push('read'),
    pause: () => said.push('pause'),
    resume: () => said.push('resume'),
    answer: (status: number) => said.push(`answered ${status}`),
    respond: () => {},
    destroy: () => said.push('destroyed'),
  } as unknown as Exchange
  const claim = {
    environment: { environment: 'blue', version: 'v1', release: 'r1', replicas: [] },
    replica: { id: 'r', host: '', port: 0, slot: 0 },
    rules: { ...usualRules, retryMethods: ['POST'] },
    table: { service: 's', rules: usualRules, copies: null },
    release: () => {},
    moveOn: () => true,
  } as unknown as Claim
  const flight = forward(exchange, claim, 'id', {
    upstream: {
      call: (_to, _request, listener) => {
        const name = `call ${calls.push(listener)}`
        return {
          begin: () => said.push(`${name} begins`),
          write: (bytes) => said.push(`${name} ${bytes}`),
          flush: () => takes,
          end: () => said.push(`${name} ends`),
          pause: () => {},
          resume: () => {},
          destroy: () => said.push(`${name} destroyed`),
        }
      },
      close: () => {},
    },
    headers: 'full',
    failed: () => {},
    answered: () => {},
    budget: { earn: () => {}, spend: () => true },
    mirror: () => {},
    tap: { isOn: false, begin: () => {} },
    tracing: { isOn: false, begin: () => null },
    wait: () => {},
    ended: (_, { outcome }) => said.push(outcome),
  })
  return { said, calls, flight, client: heard }
}

test('what comes of a body while another replica is dialled is kept until that one is connected, and sent once', () => {
  const { said, calls, client } = walking()
  calls[0]!.connected()
  client.body('one ')
  client.bodyRead()
  calls[0]!.failed('cut', new Error('died'))
  // One read was under way: its pieces still come, and no replica listens.
  client.body('two ')
  client.body('three')
  client.bodyRead()
  client.bodyEnd('')
  assert.deepEqual(said.splice(0), [
    'call 1 begins',
    'read',
    'call 1 one ',
    'pause',
    'call 2 begins',
    'pause',
  ])
  calls[1]!.connected()
  assert.deepEqual(said, ['call 2 one two three', 'call 2 ends'])
})

test('who is late is named: a client that sends no more of its body, or a server that takes no more of it', () => {
  const late = () => performance.now() + usualRules.bodySilenceMs + 1
  const slow = walking()
  slow.calls[0]!.connected()
  slow.client.body('half')
  slow.client.bodyRead()
  slow.flight.expire(late())
  assert.deepEqual(slow.said.slice(-3), ['call 1 destroyed', 'answered 408', 'refused'])

  const full = walking(false)
  full.calls[0]!.connected()
  full.client.body('half')
  full.client.bodyRead()
  full.flight.expire(late())
  assert.deepEqual(full.said.slice(-3), ['call 1 destroyed', 'answered 504', 'deadline'])

  const silent = walking()
  silent.calls[0]!.connected()
  silent.client.body('all')
  silent.client.bodyRead()
  silent.client.bodyEnd('')
  silent.flight.expire(late())
  assert.deepEqual(silent.said.slice(-3), ['call 1 destroyed', 'answered 504', 'deadline'])
})

test('a stream that is still open after a minute is said as it stands, and one that never began is not', () => {
  const late = () => performance.now() + openMs + 1
  const streaming = walking()
  streaming.calls[0]!.connected()
  assert.equal(streaming.flight.soFar(late()), null)
  streaming.calls[0]!.head(200, 'OK', { lines: '', dropped: [] } as never, 'open')
  assert.equal(streaming.flight.soFar(performance.now()), null)
  const sofar = streaming.flight.soFar(late())!
  assert.deepEqual([sofar.outcome, sofar.status], ['ok', 200])
  assert.ok(sofar.firstByteMs < 1000 && sofar.totalMs >= openMs)
  const failing = walking()
  failing.calls[0]!.head(503, 'No', { lines: '', dropped: [] } as never, 'open')
  assert.equal(failing.flight.soFar(late())!.outcome, 'error-status')
})
