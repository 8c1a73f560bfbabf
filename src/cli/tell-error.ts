/** An error in words, or as the one JSON document that was asked for; and the exit code it means. */
import { CommanderError } from 'commander'
import { ManifestError } from '../config/manifest-error.ts'
import { ProblemError } from '../ipc/problem.ts'
import { exitCodes } from './exit-codes.ts'
import { say } from './output.ts'

export function tellError(error: unknown, json: boolean): number {
  // Commander has said it already.
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  if (error instanceof ManifestError) return explainManifest(error, json)
  if (error instanceof ProblemError) {
    const { title, hint, status } = error.problem
    say(json, error.problem, hint === undefined ? title : `${title}\nNext: ${hint}`, process.stderr)
    return status === 400 || status === 404 ? exitCodes.usage : exitCodes.error
  }
  const { message, stack } = error as Error
  const hint = 'this is a bug in Beryl: please report it with the lines above'
  say(
    json,
    { status: 500, code: 'internal', title: message, hint },
    `${stack ?? message}\nNext: ${hint}`,
    process.stderr,
  )
  return exitCodes.error
}

function explainManifest({ message, problems }: ManifestError, json: boolean): number {
  const { file } = problems[0]!
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
  const isRead = !problems[0]!.message.startsWith('cannot be read')
  const hint = isRead
    ? `mend ${file}, then \`beryl validate -f ${file}\``
    : 'beryl validate -f FILE'
  say(
    json,
    { status: 400, code: 'manifest', title: `${count} in ${file}`, hint, problems },
    `${message}\nNext: ${hint}`,
    process.stderr,
  )
  return exitCodes.usage
}
