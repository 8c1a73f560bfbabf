/** Who is signed in here. */
import { signal } from '@preact/signals'

export type Session = { state: 'unknown' } | { state: 'out' } | { state: 'in'; actor: string }

export const session = signal<Session>({ state: 'unknown' })
