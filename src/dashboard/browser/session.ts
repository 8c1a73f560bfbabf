/** Who is signed in here. */
import { signal } from '@preact/signals'
import type { Role } from '../../api/rights.ts'

/** What the role may not do, the API says in `can`. */
export type SignedIn = { actor: string; role: Role }
export type Session = { state: 'unknown' } | { state: 'out' } | ({ state: 'in' } & SignedIn)

export const session = signal<Session>({ state: 'unknown' })
