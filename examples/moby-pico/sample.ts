/** Logits → the next token, and how probable it was. */

export type Chosen = { token: number; logProbability: number }

/** @param temperature 0 takes the most probable token @param random between 0 and 1 */
export function sample(logits: Float32Array, temperature: number, random: () => number): Chosen {
  const token = temperature === 0 ? mostProbable(logits) : drawn(logits, temperature, random())
  return { token, logProbability: logProbabilityOf(logits, token) }
}

/** Of the model itself, whatever the temperature is. Nats. */
export function logProbabilityOf(logits: Float32Array, token: number): number {
  const highest = logits.reduce((high, logit) => Math.max(high, logit), -Infinity)
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - highest), 0)
  return logits[token] - highest - Math.log(sum)
}

/** The same seed gives the same numbers on every machine (mulberry32, public domain). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function mostProbable(logits: Float32Array): number {
  let best = 0
  for (let token = 1; token < logits.length; token++) if (logits[token] > logits[best]) best = token
  return best
}

function drawn(logits: Float32Array, temperature: number, random: number): number {
  const highest = logits.reduce((high, logit) => Math.max(high, logit), -Infinity)
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - highest) / temperature))
  let left = random * weights.reduce((sum, weight) => sum + weight, 0)
  for (let token = 0; token < weights.length; token++) {
    left -= weights[token]
    if (left < 0) return token
  }
  return mostProbable(logits)
}
