/** Where a gate's requests come from: what clients really sent, if enough of it is recorded; else the golden set, else the one request that the manifest gives. */
import type { Captures } from '../capture/captures.ts'
import type { CapturedRules, RequestShape } from '../gate.ts'
import { capturedInputs } from './captured.ts'
import { goldenInputs } from './golden.ts'
import { inputOf } from './input.ts'
import type { Input } from './input.ts'

export type InputRules = {
  request: RequestShape | null
  /** Golden set to draw bodies from, when there is one. */
  file: string | null
  /** Null: not from what is recorded. */
  captured: CapturedRules | null
}

export type Inputs = {
  inputs: readonly Input[]
  from: 'captures' | 'goldenSet' | 'request'
  /** For one answer. */
  timeoutS: number
}

export type InputsAround = {
  service: string
  captures: Pick<Captures, 'newest'>
  purpose: string
  signal: AbortSignal
}

/** Fewer say little about what clients send. */
export const recordsMin = 20
/** For one answer to a recorded request, where nothing else is said. */
const capturedTimeoutS = 30
const fallback: RequestShape = { method: 'GET', path: '/', headers: {}, timeoutS: 10 }

/** @throws GoldenSetError naming file and line; Error where recorded requests are asked for, and there are none */
export async function inputsOf(
  { request, file, captured }: InputRules,
  { service, captures, purpose, signal }: InputsAround,
): Promise<Inputs> {
  if (captured !== null) {
    const inputs = await capturedInputs(captured, { service, captures, purpose })
    if (inputs.length >= recordsMin) return { inputs, from: 'captures', timeoutS: capturedTimeoutS }
    if (captured.only)
      throw new Error(
        `${inputs.length} requests are recorded that may be asked once more and that live answered, and ${recordsMin} are the least: wait for traffic, raise capture.share, or \`beryl capture ${service} import FILE\`; then retry`,
      )
  }
  const shape = request ?? fallback
  const { timeoutS } = shape
  if (file === null)
    return { inputs: [inputOf(shape, undefined, purpose)], from: 'request', timeoutS }
  const inputs = await goldenInputs(file, shape, { purpose, signal })
  return { inputs, from: 'goldenSet', timeoutS }
}

/** For the evidence, and how it is said. */
export function toldOf({ inputs, from }: Inputs): {
  from: Inputs['from']
  requests: number
  largestBytes: number
} {
  const largestBytes = inputs.reduce((most, { size }) => Math.max(most, size), 0)
  return { from, requests: inputs.length, largestBytes }
}
