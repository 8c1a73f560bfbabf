/** Requests of a golden set: lines from all over the file, as many as memory should hold. */
import { goldenLines } from '../golden-set/lines.ts'
import type { RequestShape } from '../gate.ts'
import { inputOf } from './input.ts'
import type { Input } from './input.ts'

const keptMax = 500
export const keptMaxBytes = 32 * 1024 * 1024

/**
 * Whenever too many are kept, every other one is given up and only every 2nd, 4th, 8th … is taken.
 * @throws GoldenSetError naming file and line
 */
export async function goldenInputs(
  file: string,
  shape: RequestShape,
  { purpose, signal }: { purpose: string; signal: AbortSignal },
): Promise<Input[]> {
  let kept: Input[] = []
  let stride = 1
  let index = 0
  let bytes = 0
  for await (const { request } of goldenLines(file, signal)) {
    if (index++ % stride !== 0) continue
    const input = inputOf(shape, request, purpose)
    kept.push(input)
    bytes += input.size
    while (kept.length > 1 && (kept.length > keptMax || bytes > keptMaxBytes)) {
      kept = kept.filter((_, place) => place % 2 === 0)
      stride *= 2
      bytes = kept.reduce((sum, { size }) => sum + size, 0)
    }
  }
  return kept
}
