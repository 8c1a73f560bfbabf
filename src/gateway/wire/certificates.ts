/**
 * Which certificate a client is shown: the one that was made for the name it asks for (SNI, RFC 6066 §3), an exact name before
 * one with a star, and the first one where it asks for none or for another.
 */
import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { SecureContext, SecureContextOptions } from 'node:tls'

export type PairInUse = { cert: string; key: string }

/** @property pairs the first one is for everybody else */
export type Tls = { pairs: readonly PairInUse[]; ticketKeys: Uint8Array }

type Shown = { certificate: X509Certificate; context: SecureContext }

export type Certificates = ReturnType<typeof certificatesOf>

export function certificatesOf({ pairs, ticketKeys }: Tls) {
  const common = { minVersion: 'TLSv1.2' as const, ticketKeys: Buffer.from(ticketKeys) }
  let shown = pairs.map(prepared)
  let show: (options: SecureContextOptions) => void = () => {}
  return {
    options: {
      ...common,
      ...pairs[0],
      // Asked for each handshake that names a server: one pair by itself is for all of them.
      ...(pairs.length === 1 ? {} : { SNICallback: choose }),
    },
    /** What the server does with a first one that is new. */
    renewed: (act: typeof show) => (show = act),
    /** From here on; as many as there were. */
    renew(next: readonly PairInUse[]): void {
      shown = next.map(prepared)
      show({ ...common, ...next[0] })
    },
  }

  function choose(
    name: string,
    done: (error: Error | null, context?: SecureContext) => void,
  ): void {
    done(null, (named(shown, name) ?? shown[0]!).context)
  }

  function prepared({ cert, key }: PairInUse): Shown {
    return {
      certificate: new X509Certificate(cert),
      context: createSecureContext({ ...common, cert, key }),
    }
  }
}

function named(shown: readonly Shown[], name: string): Shown | undefined {
  const asked = name.toLowerCase()
  let starred: Shown | undefined
  for (const one of shown) {
    const matched = one.certificate.checkHost(asked)
    if (matched === undefined) continue
    if (matched.toLowerCase() === asked) return one
    starred ??= one
  }
  return starred
}
