/** A certificate and its private key, from files: read together, and only of use together. Nothing of a key is ever said. */
import { X509Certificate, createPrivateKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** PEM, the certificate first and then those that signed it. */
export type Pair = { cert: string; key: string }
export type PairFiles = { cert: string; key: string }

export class PairError extends Error {
  override name = 'PairError'
  readonly which: keyof PairFiles
  constructor(which: keyof PairFiles, message: string) {
    super(message)
    this.which = which
  }
}

/** @throws PairError that names the file and what is wrong with it */
export function readPair(files: PairFiles): Pair {
  const pair = { cert: read('cert', files.cert), key: read('key', files.key) }
  const certificate = certificateOf(pair, files)
  if (!certificate.checkPrivateKey(keyOf(pair, files)))
    throw new PairError(
      'key',
      `the key in ${files.key} is not that of the certificate in ${files.cert}`,
    )
  return pair
}

/** @returns wall time, ms, from which on clients refuse it */
export function endOf({ cert }: Pair): number {
  return new X509Certificate(cert).validToDate.getTime()
}

function read(which: keyof PairFiles, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EACCES'
          ? 'this user may not read it'
          : code
    throw new PairError(which, `${file} cannot be read: ${why}`)
  }
}

function certificateOf({ cert }: Pair, files: PairFiles): X509Certificate {
  try {
    return new X509Certificate(cert)
  } catch {
    throw new PairError('cert', `${files.cert} holds no certificate in PEM`)
  }
}

function keyOf({ key }: Pair, files: PairFiles): KeyObject {
  try {
    return createPrivateKey(key)
  } catch {
    throw new PairError('key', `${files.key} holds no private key in PEM, or one with a passphrase`)
  }
}
