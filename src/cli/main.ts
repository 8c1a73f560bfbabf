/** The way in: arguments → one verb, each in a file of its own → an exit code. */
import type { Command } from 'commander'
import { complete } from './complete.ts'
import { exitCodes } from './exit-codes.ts'
import { endQuietlyWithThePipe } from './output.ts'
import { isJson, programOf } from './program.ts'
import { tellError } from './tell-error.ts'

export type Globals = { json: boolean; api?: string; ca?: string; data?: string }

/** @returns the exit code (contract §4) */
export async function run(args: readonly string[]): Promise<number> {
  endQuietlyWithThePipe()
  let code: number = exitCodes.done
  const on =
    <Values extends unknown[]>(verb: (globals: Globals, ...values: Values) => Promise<number>) =>
    async (...values: unknown[]) => {
      // Commander hands over the command itself last.
      code = await verb(program.opts<Globals>(), ...(values.slice(0, -1) as Values))
    }
  const program: Command = programOf(args, on)
  // A shell asks what may come next.
  if (args[0] === '--complete') {
    for (const word of await complete(program, args.slice(2))) console.log(word)
    return code
  }
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    return tellError(error, isJson(args))
  }
}
