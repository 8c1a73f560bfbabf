/** `beryl doctor`: what is wrong with this installation, and how to fix it. */
import { whereData } from '../../api/client.ts'
import { doctor } from '../../doctor/doctor.ts'
import type { Finding } from '../../doctor/finding.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { count, paint, say } from '../output.ts'

/** @returns 1 when there is a problem; warnings alone are none */
export async function doctorCommand(
  { data, json }: Globals,
  { file }: { file: string },
): Promise<number> {
  const findings = await doctor({ file, data: whereData({ data, file }) })
  const of = (level: Finding['level']) => findings.filter((one) => one.level === level).length
  const [problems, warnings] = [of('problem'), of('warning')]
  const sum =
    problems + warnings === 0
      ? 'Nothing is wrong.'
      : `${count(problems, 'problem')}, ${count(warnings, 'warning')}.`
  const text = [...findings.flatMap(lines), sum].join('\n')
  say(json, { healthy: problems === 0, problems, warnings, findings }, text)
  return problems === 0 ? exitCodes.done : exitCodes.error
}

const colours = { ok: 'green', warning: 'yellow', problem: 'red' } as const

function lines(finding: Finding): string[] {
  const { level, check, said } = finding
  const line = `${paint(colours[level], level.padEnd(7))}  ${check.padEnd(10)}  ${said}`
  return level === 'ok' ? [line] : [line, `${' '.repeat(21)}fix: ${finding.fix}`]
}
