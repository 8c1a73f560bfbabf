/**
 * kl(a ‖ b) of two yes/no outcomes with rates a and b, in nats: the evidence against b that one outcome of a gives on
 * average. Infinity where b rules out what a allows. Source: Kullback & Leibler 1951. Reference: kl(0.05 ‖ 0.01) = 0.0412911.
 */
export function divergence(a: number, b: number): number {
  return part(a, b) + part(1 - a, 1 - b)
}

function part(x: number, y: number): number {
  return x === 0 ? 0 : x * Math.log(x / y)
}
