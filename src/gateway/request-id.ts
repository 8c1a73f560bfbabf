/**
 * The request id says by itself which service, release, version, environment and sequence number answered, and is signed:
 * whoever holds one may give feedback on that answer, and nobody can make one up.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { sipHash, sipKey } from './siphash.ts'
import type { SlottedEnvironment, SlottedTable } from './slotted.ts'

export type RequestFacts = {
  run: string
  service: string
  release: string
  version: string
  environment: string
  generation: number
  seq: number
  at: number
}

/** Everything but sequence number and time is the same for all requests of a table: encoded and keyed once. */
export type Signer = (seq: number, at: number) => string

export function signerOf(
  key: Buffer,
  run: string,
  table: SlottedTable,
  environment: SlottedEnvironment,
): Signer {
  const facts = [
    run,
    table.service,
    environment.release,
    environment.version,
    environment.environment,
    String(table.generation),
  ]
  const prefix = Buffer.from(facts.join('\n')).toString('base64url')
  const subkey = sipKey(subkeyOf(key, prefix))
  return (seq, at) => {
    // Seconds since 2024 fit in a word until 2160.
    const second = Math.floor(at / 1000) - epochS
    return `${prefix}.${seq.toString(36)}.${second.toString(36)}.${sipHash(subkey, seq | 0, second | 0)}`
  }
}

/** Null for anything that this Beryl did not sign. */
export function readRequestId(key: Buffer, id: string): RequestFacts | null {
  const match = /^([\w-]{1,600})\.([0-9a-z]{1,7})\.([0-9a-z]{1,7})\.([0-9a-f]{16})$/.exec(id)
  if (match === null) return null
  const [, prefix, seqText, secondText, tag] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
  ]
  const [seq, second] = [Number.parseInt(seqText, 36), Number.parseInt(secondText, 36)]
  if (sipHash(sipKey(subkeyOf(key, prefix)), seq | 0, second | 0) !== tag) return null
  const [run, service, release, version, environment, generation] = Buffer.from(prefix, 'base64url')
    .toString()
    .split('\n')
  return {
    run: run!,
    service: service!,
    release: release!,
    version: version!,
    environment: environment!,
    generation: Number(generation),
    seq,
    at: (second + epochS) * 1000,
  }
}

/** Made once per data directory, readable by its owner only. */
export function requestKey(file: string): Buffer {
  try {
    const key = readFileSync(file)
    if (key.length === 32) return key
    throw new Error(
      `${file} should hold 32 bytes and holds ${key.length}; remove it, and a new key is made (old request ids are then refused)`,
    )
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const key = randomBytes(32)
    writeFileSync(file, key, { mode: 0o600, flag: 'wx' })
    return key
  }
}

const epochS = 1_704_067_200

function subkeyOf(key: Buffer, prefix: string): Buffer {
  return createHmac('sha256', key).update(prefix).digest().subarray(0, 16)
}
