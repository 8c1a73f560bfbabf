/** The bodies to warm up with: some of the golden set, arranged so that windows can be compared. */
import { goldenLines } from '../golden-set/lines.ts'

const keptMax = 500
const keptMaxBytes = 32 * 1024 * 1024

/** @returns the body for a place in a window */
export type Bodies = (window: number, place: number) => unknown

/**
 * Long inputs take longer. So each place in a window has inputs of its own size, and windows differ in their inputs (an
 * answer from a cache is not a warm one) but not in how much work they are.
 * @throws GoldenSetError naming file and line
 */
export async function bodiesOf(
  file: string,
  windowSize: number,
  signal: AbortSignal,
): Promise<Bodies> {
  const kept = await spread(file, signal)
  const bySize = kept.toSorted((a, b) => a.size - b.size).map(({ request }) => request)
  return (window, place) => {
    const from = Math.floor((place * bySize.length) / windowSize)
    const width = Math.floor(((place + 1) * bySize.length) / windowSize) - from
    return bySize[from + (width === 0 ? 0 : window % width)]
  }
}

/** Lines from all over the file: whenever too many are kept, every other one is given up and only every 2nd, 4th, 8th … is taken. */
export async function spread(
  file: string,
  signal: AbortSignal,
): Promise<{ request: unknown; size: number }[]> {
  let kept: { request: unknown; size: number }[] = []
  let stride = 1
  let index = 0
  let bytes = 0
  for await (const { request } of goldenLines(file, signal)) {
    if (index++ % stride !== 0) continue
    const size = JSON.stringify(request).length
    kept.push({ request, size })
    bytes += size
    while (kept.length > 1 && (kept.length > keptMax || bytes > keptMaxBytes)) {
      kept = kept.filter((_, place) => place % 2 === 0)
      stride *= 2
      bytes = kept.reduce((sum, { size }) => sum + size, 0)
    }
  }
  return kept
}
