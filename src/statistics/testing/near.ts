import assert from 'node:assert/strict'

/** Equal up to `within`: reference numbers are given with six digits after the point. */
export function near(value: number | undefined, reference: number, within = 1e-6): void {
  assert.ok(Math.abs((value ?? Number.NaN) - reference) <= within, `${value} is not ${reference}`)
}
