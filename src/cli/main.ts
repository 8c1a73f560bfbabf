/** The menu: every verb, one file each. */
import { Command, CommanderError } from 'commander'
import { ManifestError } from '../config/load.ts'
import { ProblemError } from '../ipc/problem.ts'
import { act } from './commands/act.ts'
import { demo } from './commands/demo.ts'
import { deploy } from './commands/deploy.ts'
import { history } from './commands/history.ts'
import { rollback } from './commands/rollback.ts'
import { schema } from './commands/schema.ts'
import { status } from './commands/status.ts'
import { upCommand } from './commands/up.ts'
import { validate } from './commands/validate.ts'
import { exitCodes } from './exit-codes.ts'
import { say } from './output.ts'
import { version } from './version.ts'

export type Globals = { json: boolean; api?: string; data?: string }

/** @returns the exit code (contract §4) */
export async function run(args: readonly string[]): Promise<number> {
  let code: number = exitCodes.done
  const program = new Command('beryl')
    .description('Blue-green releases for ML models')
    .version(version)
    .option('--json', 'print one JSON document and nothing else', false)
    .option(
      '--api <url>',
      'where the API is (default: what `beryl up` wrote into the data directory)',
    )
    .option('--data <directory>', 'the data directory (default: .beryl beside the manifest)')
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => {
        const title = text
          .replace(/^error: /, '')
          .trim()
          .replaceAll('\n', ' ')
        if (args.includes('--json')) write(`${JSON.stringify({ code: 'usage', title }, null, 2)}\n`)
        else write(`${title}\nNext: beryl ${commandIn(program, args)}--help\n`)
      },
    })
    .showSuggestionAfterError(true)
    .addHelpText(
      'after',
      '\nExit codes: 0 done · 1 error · 2 wrong usage or manifest · 3 rejected · 4 rolled back · 5 undecided or waiting for a person\nFirst steps: beryl demo',
    )
  const on =
    <Values extends unknown[]>(verb: (globals: Globals, ...values: Values) => Promise<number>) =>
    async (...values: unknown[]) => {
      // Commander hands over the command itself last.
      code = await verb(program.opts<Globals>(), ...(values.slice(0, -1) as Values))
    }
  const verb = (usage: string, description: string) =>
    program.command(usage).description(description).exitOverride()

  verb('validate', 'check a manifest: file:line:column, what was expected, what came')
    .option('-f, --file <file>', 'the manifest', 'beryl.yaml')
    .action(on(validate))
  verb('schema', "print the manifest's JSON Schema").action(on(schema))
  verb('up', 'start gateway, controller and API in the foreground; Ctrl-C stops everything')
    .option('-f, --file <file>', 'the manifest', 'beryl.yaml')
    .action(on(upCommand))
  for (const kind of ['deploy', 'verify'] as const) {
    verb(
      `${kind} <service> <version>`,
      kind === 'deploy'
        ? 'bring a version up, test it, and switch to it'
        : 'the same gates, then tear down; never switches',
    )
      .option('--wait', 'follow it until it is live and past its watch, or has ended', false)
      .option(
        '--timeout <duration>',
        'with --wait: give up waiting after this (the release goes on)',
      )
      .option('--replace', 'take the place of a release that waits already', false)
      .action(
        on((globals, service: string, version_: string, options: Parameters<typeof deploy>[4]) =>
          deploy(globals, kind, service, version_, options),
        ),
      )
  }
  verb(
    'status [service]',
    'one screen: what is live, what is being released, what it waits for',
  ).action(on(status))
  for (const [name, description] of Object.entries(acts)) {
    const one = verb(`${name} <release-or-service>`, description).option(
      '--reason <text>',
      'recorded with your name',
    )
    if (name === 'approve')
      one.option('--force <gate>', 'skip this gate; needs --reason, and is recorded with your name')
    one.action(
      on((globals, target: string, options: { reason?: string; force?: string }) =>
        act(globals, name as keyof typeof acts, target, options),
      ),
    )
  }
  verb('rollback <release-or-service>', 'back to the standby at once')
    .option('--to <version>', 'to an older version, as a release of its own')
    .option('--reason <text>', 'recorded with your name')
    .option('--wait', 'follow it to its end', false)
    .option('--timeout <duration>', 'with --wait: give up waiting after this')
    .action(on(rollback))
  verb('history <service>', 'every release: what became of it, and why').action(on(history))
  verb('demo', 'the whole story with real models, in under two minutes')
    .option('--keep', 'leave it running at the end', false)
    .action(on((_, options: { keep: boolean }) => demo(options)))

  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    return explain(error, program.opts<Globals>().json || args.includes('--json'))
  }
}

/** The command whose help says more, with a space behind it; empty for a command that does not exist. */
function commandIn(program: Command, args: readonly string[]): string {
  const found = program.commands.find((command) => args.includes(command.name()))
  return found === undefined ? '' : `${found.name()} `
}

const acts = {
  approve: 'consent to this release, by name',
  promote: 'accept the new version without more evidence',
  pause: 'stop forward steps; never guard, health or rollback',
  resume: 'let it go on',
  abort: 'end it before the switch',
  retry: 'the same version again, as a new release',
} as const

function explain(error: unknown, json: boolean): number {
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  if (error instanceof ManifestError) {
    say(json, { error: 'manifest', problems: error.problems }, error.message, process.stderr)
    return exitCodes.usage
  }
  if (error instanceof ProblemError) {
    const { title, hint, status } = error.problem
    say(json, error.problem, hint === undefined ? title : `${title}\nNext: ${hint}`, process.stderr)
    return status === 400 || status === 404 ? exitCodes.usage : exitCodes.error
  }
  say(
    json,
    { code: 'internal', title: (error as Error).message },
    `${(error as Error).stack}`,
    process.stderr,
  )
  return exitCodes.error
}
