/** A server that must prove who it is: its certificate is checked up to an authority, and for its name. RFC 5280 §6, RFC 9525. */
import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { Socket, isIP } from 'node:net'
import { connect, createSecureContext } from 'node:tls'
import type { ConnectionOptions, SecureContext, TLSSocket } from 'node:tls'

export type Peer = {
  /** PEM file of the authorities, absolute; absent: those that this machine trusts. */
  ca?: string | undefined
  /** The name in its certificate, and asked for by SNI; absent: the host it is addressed by. */
  serverName?: string | undefined
}

/**
 * Options for `tls.connect` and `https.request`, beside host and port.
 *
 * @throws Error that names the file of authorities where it is of no use and never was
 */
export function peerOptions({ ca, serverName }: Peer, host: string): ConnectionOptions {
  // An address is no name (RFC 6066 §3); without a name the certificate is checked for the address.
  const servername = serverName ?? (isIP(host) === 0 ? host : '')
  return { secureContext: contextOf(ca ?? null), servername }
}

type Dialled = ConnectionOptions & { host: string; port: number }

/** @throws Error where its authorities cannot be read, and never could */
export function connectPeer(peer: Peer, options: Dialled): TLSSocket {
  return connect({ ...options, ...peerOptions(peer, options.host) })
}

/** Where its authorities cannot be read that fails as any connection does: said by an `error`, and nothing is sent. */
export function dialPeer(peer: Peer, options: Dialled): Socket {
  try {
    return connectPeer(peer, options)
  } catch (error) {
    return new Socket().destroy(error as Error)
  }
}

/** Tells connections that may be shared from those that may not. */
export function peerKey(peer: Peer | undefined): string {
  return peer === undefined ? '' : ` tls ${peer.serverName ?? ''} ${peer.ca ?? ''}`
}

const hints: Record<string, string> = {
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'signed by nobody who is trusted here: environment.tls.ca names who is',
  SELF_SIGNED_CERT_IN_CHAIN:
    'signed by nobody who is trusted here: environment.tls.ca names who is',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'signed by nobody who is trusted here: environment.tls.ca names who is',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'signed by nobody who is trusted here, or sent without its chain: environment.tls.ca names who is trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'made for another name: environment.tls.serverName says which',
  CERT_HAS_EXPIRED: 'it has ended',
}

/** The same error, in words of what it was about. */
export function peerError(error: Error): Error {
  const text = peerTrouble(error)
  return text === error.message ? error : new Error(text, { cause: error })
}

/** What went wrong, with what to do where the certificate is the reason. */
export function peerTrouble(error: Error): string {
  const { code = '' } = error as NodeJS.ErrnoException
  // A stream of HTTP/2 tells why its session ended by its cause.
  if (code === 'ERR_HTTP2_STREAM_CANCEL' && error.cause instanceof Error)
    return peerTrouble(error.cause)
  if (code in hints) return `its certificate is refused (${hints[code]}): ${error.message}`
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return `it speaks no TLS there (an http:// address?): ${error.message}`
  if (error.message.includes('alert no application protocol'))
    return 'it speaks another version of HTTP there (no application protocol in common)'
  return error.message
}

type Known = { context: SecureContext; marks: string; lookedAt: number }

const known = new Map<string | null, Known>()
/** A file is looked at again after this. */
const lookMs = 1000

/** A file that was renewed counts from the next connection on; one that cannot be read any more leaves what it said before. */
function contextOf(ca: string | null): SecureContext {
  const before = known.get(ca)
  const now = performance.now()
  if (before !== undefined && (ca === null || now - before.lookedAt < lookMs)) return before.context
  try {
    const marks = ca === null ? '' : marksOf(ca)
    const context = before?.marks === marks ? before.context : made(ca)
    known.set(ca, { context, marks, lookedAt: now })
    return context
  } catch (error) {
    if (before === undefined) throw error
    before.lookedAt = now
    return before.context
  }
}

function made(ca: string | null): SecureContext {
  const minVersion = 'TLSv1.2'
  return createSecureContext(ca === null ? { minVersion } : { minVersion, ca: authorities(ca) })
}

/** @throws Error with what is wrong with the file, for `validate` too */
export function authorities(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : code
    throw new Error(`${file} cannot be read: ${why}`, { cause: error })
  }
  const all = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)
  if (all === null) throw new Error(`${file} holds no certificate in PEM`)
  try {
    for (const one of all) void new X509Certificate(one)
  } catch (cause) {
    throw new Error(`${file} holds a certificate that cannot be read`, { cause })
  }
  return text
}

function marksOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false })
  return found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeMs}`
}
