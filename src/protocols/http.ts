/** Plain HTTP: an answer is its JSON, or else its text. `json` is read alike. */
import { jsonIn } from './protocol.ts'
import type { Protocol } from './protocol.ts'

export const http: Protocol = {
  read({ body }) {
    const whole = jsonIn(body)
    return { value: whole === undefined ? body : whole, whole, firstTokenMs: null, wrong: null }
  },
  wrongRequest: () => null,
}
