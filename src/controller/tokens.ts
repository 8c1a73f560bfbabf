/** Tokens that an admin makes for others: shown once, kept as hashes, revoked at once. Their names are the actors of the record. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Holder, Tokens } from '../api/authenticate.ts'
import type { Operations } from '../api/operations.ts'
import type { TokenView } from '../api/shapes.ts'
import { nearest } from '../config/nearest.ts'
import { isDiskTrouble } from '../ipc/disk-trouble.ts'
import { ProblemError } from '../ipc/problem.ts'
import type { Now } from '../release/release.ts'
import type { Token } from '../storage/tokens.ts'
import type { ControllerStore } from './store.ts'

const secretBytes = 32
/** More are a leak in somebody's script. */
const tokensMax = 1000
/** Actors that are no token: whoever had such a name would sign for Beryl. */
const reserved = ['beryl', 'guard', 'schedule']

type Sources = { store: Pick<ControllerStore, 'tokens'>; now: () => Now }

/** For the API's door. */
export function storedTokens({ store, now }: Sources): Tokens {
  const holder = (token: Token | null): Holder | null =>
    token === null || isExpired(token, now().wall)
      ? null
      : { id: String(token.id), actor: token.name, role: token.role }

  return {
    holderOf(given) {
      // The number finds the row; what opens is compared in constant time.
      const [, id, secret] = /^beryl_(\d{1,15})_([\w-]{43})$/.exec(given) ?? []
      if (id === undefined || secret === undefined) return null
      const token = store.tokens.find(Number(id))
      if (token === null || !timingSafeEqual(digest(secret), token.hash)) return null
      const found = holder(token)
      if (found !== null) noteUse(token)
      return found
    },
    holder: (id) => (/^\d{1,15}$/.test(id) ? holder(store.tokens.find(Number(id))) : null),
  }

  /** Once a day. A full disk bars nobody: their rollback may be what helps. */
  function noteUse(token: Token): void {
    const today = new Date(now().wall).toISOString().slice(0, 10)
    if (token.usedOn === today) return
    try {
      store.tokens.used(token.id, today)
    } catch (error) {
      if (!isDiskTrouble(error)) throw error
    }
  }
}

export function tokenOperations({
  store,
  now,
  firstAdmin,
}: Sources & { /** The actor of the first token. */ firstAdmin: string }): Operations['tokens'] {
  return {
    list: () => store.tokens.all().map((token) => view(token)),

    create({ name, role, expiresInS }, by) {
      checkName(name)
      const secret = randomBytes(secretBytes).toString('base64url')
      const at = now().wall
      const expiresAt = expiresInS === null ? null : at + expiresInS * 1000
      const until = expiresAt === null ? '' : `, until ${new Date(expiresAt).toISOString()}`
      const id = store.tokens.add(
        { name, role, hash: digest(secret), createdAt: at, createdBy: by, expiresAt },
        event(at, by, `${by} made the token ${name} (${role}${until})`, { create: name, role }),
      )
      return { ...view(store.tokens.find(id)!), token: `beryl_${id}_${secret}` }
    },

    revoke(name, by) {
      const token = store.tokens.named(name)
      if (token === null) throw noSuchToken(name)
      const said = view(token)
      const text = `${by} revoked the token ${token.name} (${token.role})`
      store.tokens.revoke(token.id, event(now().wall, by, text, { revoke: token.name }))
      return said
    },
  }

  function view(token: Token): TokenView {
    const { name, role, createdAt, createdBy, expiresAt, usedOn } = token
    const isOver = isExpired(token, now().wall)
    return { name, role, createdAt, createdBy, expiresAt, isExpired: isOver, usedOn }
  }

  function checkName(name: string): void {
    const isSame = (other: string) => other.toLowerCase() === name.toLowerCase()
    const hint = 'beryl token list shows what there is; take another name'
    if ([...reserved, firstAdmin].some(isSame))
      throw new ProblemError({
        status: 409,
        code: 'reserved-name',
        title: `${name} stands in the record for ${isSame(firstAdmin) ? 'whoever holds admin.token' : 'Beryl itself'}`,
        hint,
      })
    const all = store.tokens.all()
    if (all.some((token) => isSame(token.name)))
      throw new ProblemError({
        status: 409,
        code: 'name-taken',
        title: `there is a token ${name} already`,
        hint: `beryl token revoke ${JSON.stringify(name)} first, or take another name`,
      })
    if (all.length >= tokensMax)
      throw new ProblemError({
        status: 409,
        code: 'too-many-tokens',
        title: `there are ${all.length} tokens, and at most ${tokensMax} are kept`,
        hint: 'revoke what nobody uses: beryl token list says when each was used last',
      })
  }

  function noSuchToken(name: string): ProblemError {
    const names = store.tokens.all().map((token) => token.name)
    return new ProblemError({
      status: 404,
      code: 'no-such-token',
      title: `there is no token ${name}${nearest(name, names)}`,
      hint:
        name.toLowerCase() === firstAdmin.toLowerCase()
          ? 'the first token is a file: delete admin.token in the data directory and start `beryl up` again'
          : 'beryl token list shows what there is',
    })
  }
}

function event(at: number, by: string, text: string, data: Record<string, unknown>) {
  return { at, service: '', release: null, kind: 'token', by, text, data }
}

function isExpired({ expiresAt }: Token, wall: number): boolean {
  return expiresAt !== null && expiresAt <= wall
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
