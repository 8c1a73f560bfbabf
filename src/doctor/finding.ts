/** One thing that was looked at. What is not right says how to fix it. */
export type Finding = {
  /** What it is about, one word or two: the same for every outcome. */
  check: string
  said: string
} & ({ level: 'ok' } | { level: 'warning' | 'problem'; fix: string })

export function ok(check: string, said: string): Finding {
  return { check, level: 'ok', said }
}

/** It runs, and may not go on running. */
export function warning(check: string, said: string, fix: string): Finding {
  return { check, level: 'warning', said, fix }
}

/** Something does not work, or will not when it is needed. */
export function problem(check: string, said: string, fix: string): Finding {
  return { check, level: 'problem', said, fix }
}
