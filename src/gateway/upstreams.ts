/** The way to a replica, by what it speaks: the table says so (`speaks`), and nothing above knows more. */
import { openHttp2Upstream } from './http2/upstream.ts'
import { openUpstream } from './wire/upstream.ts'
import type { Upstream } from './wire/wire.ts'

export function openUpstreams(): Upstream {
  const http1 = openUpstream()
  const http2 = openHttp2Upstream()
  return {
    call: (to, request, listener) =>
      (to.speaks === undefined ? http1 : http2).call(to, request, listener),
    close: () => {
      http1.close()
      http2.close()
    },
  }
}
