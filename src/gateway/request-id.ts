/**
 * The request id says by itself which service, release, version, environment and sequence number answered, and is signed:
 * whoever holds one may give feedback on that answer, and nobody can make one up.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { sipHash, sipKey } from './siphash.ts'
import type { SipKey } from './siphash.ts'
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
  /** Stands for the client where its version was drawn for it and not for the request; else 0. */
  client: number
}

/** Everything but sequence number, time and client is the same for all requests of a table: encoded and keyed once. */
export type Signer = (seq: number, at: number, client: number) => string

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
  const keys = keysOf(key, prefix)
  return (seq, at, client) => {
    // Seconds since 2024 fit in a word until 2160.
    const second = Math.floor(at / 1000) - epochS
    const head = `${prefix}.${seq.toString(36)}.${second.toString(36)}`
    if (client === 0) return `${head}.${sipHash(keys.alone, seq | 0, second | 0)}`
    const { pad, rest } = padOf(keys, seq, second)
    const hidden = (client ^ pad) >>> 0
    return `${head}.${hidden.toString(36)}.${sipHash(keys.drawn, client | 0, rest)}`
  }
}

/** Null for anything that this Beryl did not sign. */
export function readRequestId(key: Buffer, id: string): RequestFacts | null {
  const match =
    /^([\w-]{1,600})\.([0-9a-z]{1,7})\.([0-9a-z]{1,7})(?:\.([0-9a-z]{1,7}))?\.([0-9a-f]{16})$/.exec(
      id,
    )
  if (match === null) return null
  const [, prefix = '', seqText = '', secondText = '', hidden, tag] = match
  const [seq, second] = [Number.parseInt(seqText, 36), Number.parseInt(secondText, 36)]
  const keys = keysOf(key, prefix)
  const { pad, rest } = padOf(keys, seq, second)
  const client = hidden === undefined ? 0 : (Number.parseInt(hidden, 36) ^ pad) >>> 0
  const expected =
    hidden === undefined
      ? sipHash(keys.alone, seq | 0, second | 0)
      : sipHash(keys.drawn, client | 0, rest)
  if (expected !== tag) return null
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
    client,
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

type Keys = { alone: SipKey; pad: SipKey; drawn: SipKey }

function keysOf(key: Buffer, prefix: string): Keys {
  const of = (use: string) =>
    sipKey(createHmac('sha256', key).update(`${use}${prefix}`).digest().subarray(0, 16))
  // No prefix begins with a dot.
  return { alone: of(''), pad: of('.pad'), drawn: of('.drawn') }
}

/**
 * Who the client is stays hidden from whoever sees an id (a hash of an address would name it): half of this word is added to it,
 * the other half is signed with it, so that the tag holds for this request alone.
 */
function padOf({ pad }: Keys, seq: number, second: number): { pad: number; rest: number } {
  const word = sipHash(pad, seq | 0, second | 0)
  return {
    pad: Number.parseInt(word.slice(0, 8), 16),
    rest: Number.parseInt(word.slice(8), 16) | 0,
  }
}
