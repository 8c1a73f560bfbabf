/** For tests only: keeps no answers, as if every key were new. The real ones are tested over a real journal. */
import type { Answers } from './idempotency.ts'

export const noAnswers: Answers = {
  begin: () => ({ state: 'new', id: 0 }),
  during: (_, act) => act(),
  done: () => {},
  forget: () => {},
}
