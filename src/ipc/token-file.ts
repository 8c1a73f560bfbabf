/** The file of the first API token: made once, readable by its owner only. */
import { randomBytes } from 'node:crypto'
import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'

/** 32 characters of base64url: nobody guesses these. */
const randomBytesOfToken = 24
/** A file that was cut short or emptied is no key to anything. */
const tokenMinLength = 20

/** @throws Error naming the file, when it is there and cannot be used */
export function readOrCreateToken(file: string): string {
  const text = read(file)
  if (text === null) return create(file)
  const token = text.trim()
  if (token.length < tokenMinLength || /\s/.test(token))
    throw new Error(
      `the token file ${file} holds no token of Beryl. Delete it, and the next \`beryl up\` makes a new one.`,
    )
  // A copy or a backup may have opened it to others.
  if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600)
  return token
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new Error(
      `cannot read the token file ${file}: ${message}. It must be a file that only the user who runs Beryl may read.`,
      { cause },
    )
  }
}

/** Written aside and renamed: nobody ever reads half a token. */
function create(file: string): string {
  const token = `beryl_${randomBytes(randomBytesOfToken).toString('base64url')}`
  writeFileSync(`${file}.new`, `${token}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return token
}
