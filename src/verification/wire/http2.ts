/**
 * Requests in HTTP/2, by prior knowledge or over TLS by ALPN: side by side on few connections, as many as the server allows.
 * What a server says it never looked at (RFC 9113 §8.7) is asked again; what was cut is not: a retry would hide real cuts.
 */
import { peerKey } from '../../tls/peer.ts'
import type { To, Way } from './exchange.ts'
import { NoAnswer } from './exchange.ts'
import { StreamCall } from './stream-call.ts'
import { Session } from './session.ts'

/** To one address. A server that takes one call on each connection is asked so many at a time; the others wait. */
const sessionsMax = 16
const repeatsMax = 2

/** @param connections requests to one address; further ones wait */
export function openHttp2(connections: number): Way {
  const places = new Map<string, Place>()
  return {
    exchange(sent, to) {
      const key = `${to.host}:${to.port}${peerKey(to.tls)}`
      const place = places.get(key) ?? new Place(to, connections)
      places.set(key, place)
      const call = new StreamCall(sent, to)
      place.take(call)
      return call.answer.finally(() => place.ended(call))
    },
    cut(why) {
      for (const place of places.values()) place.cut(why)
    },
    close() {
      for (const place of places.values()) place.close()
    },
  }
}

/** One address: its connections, and the calls that wait for room on them. */
class Place {
  private readonly to: To
  private readonly most: number
  private readonly sessions = new Set<Session>()
  private readonly calls = new Set<StreamCall>()
  private waiting: StreamCall[] = []

  constructor(to: To, most: number) {
    this.to = to
    this.most = most
  }

  take(call: StreamCall): void {
    this.calls.add(call)
    this.waiting.push(call)
    this.pump()
  }

  ended(call: StreamCall): void {
    this.calls.delete(call)
    this.waiting = this.waiting.filter((one) => one !== call)
    this.pump()
  }

  cut(why: Error): void {
    for (const call of this.calls) call.fail(new NoAnswer(why.message, false))
  }

  close(): void {
    for (const session of this.sessions) session.destroy()
  }

  private pump(): void {
    for (;;) {
      const next = this.waiting[0]
      if (next === undefined || this.calls.size - this.waiting.length >= this.most) return
      const session = [...this.sessions].find(({ room }) => room > 0) ?? this.dial(next)
      if (session === null) return
      // Where it is still connecting, its first words call for another look.
      if (!session.isReady) return
      this.waiting.shift()
      session.carry(next, () => this.again(next))
    }
  }

  /** Null where there are enough, or one could not even be begun. */
  private dial(first: StreamCall): Session | null {
    if (this.sessions.size >= sessionsMax) return null
    try {
      const session: Session = new Session(this.to, {
        changed: () => this.pump(),
        gone: (why) => {
          this.sessions.delete(session)
          if (why === null) return this.pump()
          // Nobody could be reached: whoever waited for that hears why. Beside others that go on, the next end of a call tries again.
          if (this.sessions.size > 0) return
          for (const call of this.waiting.splice(0)) call.fail(why)
        },
      })
      this.sessions.add(session)
      return session
    } catch (error) {
      first.fail(error as Error)
      return null
    }
  }

  /** The server never looked at it. */
  private again(call: StreamCall): void {
    if (call.repeats++ >= repeatsMax)
      return call.fail(new Error(`it refused the stream ${repeatsMax + 1} times`))
    this.waiting.unshift(call)
    this.pump()
  }
}
