/**
 * A program of the user's that scores answers: started once, without a shell; a line of JSON in, a line of JSON out, one after the
 * other. What it prints to stderr is shown where it fails. It dies with the gate, and with the examiner.
 */
import { createInterface } from 'node:readline'
import { short } from '../examination.ts'
import type { Score } from '../gate.ts'
import { ownEnv } from '../hooks/command.ts'
import { onLeash } from '../../ipc/leash.ts'
import { openTail } from '../../ipc/tail.ts'
import { isObject, jsonIn } from '../../protocols/protocol.ts'
import type { Line, Scorer } from './scores.ts'

const shownLength = 160
/** Its last words on stderr may come after the end of its stdout. */
const lastWordsMs = 200

/** @throws Error where it cannot be started */
export async function commandScorer({
  run,
  env,
  directory,
  timeoutS,
}: Score & { kind: 'command' }): Promise<Scorer> {
  const [program] = run as [string]
  const child = await onLeash({
    run,
    env: { ...ownEnv(), ...env },
    directory,
    takesInput: true,
  })
  const errors = openTail()
  child.stderr.on('data', (chunk: Buffer) => errors.add(chunk))
  const lines = createInterface({ input: child.stdout, crlfDelay: Infinity })
  let dead: string | null = null
  let answer: ((said: { line: string } | 'over') => void) | null = null
  lines.on('line', (line) => answer?.({ line }))
  void itsEnd()
  let turn: Promise<unknown> = Promise.resolve()
  return {
    wrongWith: () => null,
    score(value, line) {
      const scored = call(turn, value, line)
      turn = scored.catch(() => undefined)
      return scored
    },
    close: async () => {
      lines.close()
      child.kill()
      await child.ended
    },
  }

  async function itsEnd(): Promise<void> {
    dead ??= howItEnded(await child.ended)
    setTimeout(() => answer?.('over'), lastWordsMs)
  }

  async function call(before: Promise<unknown>, value: unknown, line: Line): Promise<number> {
    await before
    const failed = (what: string) => {
      const said = errors.lines(2)
      return new Error(
        `the score command ${program} failed on line ${line.line}: ${what}${said === '' ? '' : ` (${said})`}`,
      )
    }
    if (dead !== null) throw failed(dead)
    const { promise, resolve } = Promise.withResolvers<{ line: string } | 'over' | 'late'>()
    const late = setTimeout(() => resolve('late'), timeoutS * 1000)
    answer = resolve
    const { request, expected } = line
    child.write(`${JSON.stringify({ request, expected, answer: value, line: line.line })}\n`)
    const said = await promise
    clearTimeout(late)
    answer = null
    if (said === 'over') throw failed(dead ?? 'it says nothing more')
    if (said === 'late') {
      dead = `no line of it in ${timeoutS} s: does it flush what it prints?`
      child.kill()
      throw failed(dead)
    }
    const score = scoreIn(said.line)
    if (score !== null) return score
    throw failed(
      `it must answer {"score": 0 to 1} on a line of its own, and says: ${short(said.line, shownLength)}`,
    )
  }
}

/** `{"score": 0.7}`, `0.7` or `true`. */
function scoreIn(line: string): number | null {
  const said = jsonIn(line)
  const score = isObject(said) ? said['score'] : said
  if (typeof score === 'boolean') return Number(score)
  return typeof score === 'number' && score >= 0 && score <= 1 ? score : null
}

function howItEnded(
  ended: { code: number | null; signal: string | null } | { error: string } | null,
): string {
  if (ended === null) return 'it was killed'
  if ('error' in ended) return `it cannot be run: ${ended.error}`
  return ended.code === null
    ? `it was ended by ${ended.signal}`
    : `it ended with code ${ended.code}`
}
