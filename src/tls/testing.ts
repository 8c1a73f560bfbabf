/** Self-signed certificates for tests, made on the spot: no key lies in the repository, and none expires. RFC 5280 §4.1, X.690. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { Pair } from './pair.ts'

const oids = {
  ecdsaWithSha256: Buffer.from('06082a8648ce3d040302', 'hex'),
  commonName: Buffer.from('0603550403', 'hex'),
  subjectAltName: Buffer.from('0603551d11', 'hex'),
}

/**
 * For `localhost` and 127.0.0.1, or other names.
 *
 * @param name tells one from another @param days from now on; below zero: it has expired
 */
export function makePair(name = 'test', days = 1, hosts: readonly string[] = ['localhost']): Pair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = der(0x30, oids.ecdsaWithSha256)
  const called = der(0x30, der(0x31, der(0x30, oids.commonName, der(0x0c, Buffer.from(name)))))
  const dayMs = 86_400_000
  const valid = der(0x30, time(Date.now() - 2 * dayMs), time(Date.now() + days * dayMs))
  const names = der(
    0x30,
    ...hosts.map((host) => der(0x82, Buffer.from(host))),
    der(0x87, Buffer.of(127, 0, 0, 1)),
  )
  const extensions = der(0xa3, der(0x30, der(0x30, oids.subjectAltName, der(0x04, names))))
  const serial = der(0x02, Buffer.of(1), randomBytes(8))
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.of(2))),
    serial,
    algorithm,
    called,
    valid,
    called,
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions,
  )
  const signature = der(0x03, Buffer.of(0), sign('sha256', body, privateKey))
  const lines = der(0x30, body, algorithm, signature)
    .toString('base64')
    .match(/.{1,64}/g)!
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const head =
    length < 128
      ? [tag, length]
      : length < 256
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from(head), content])
}

/** GeneralizedTime. */
function time(at: number): Buffer {
  return der(0x18, Buffer.from(new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '')))
}
