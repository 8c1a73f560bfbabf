/** Every command as it is typed: one table of verbs, arguments and options, for the CLI, its completion, and the tests of the docs. */
import { Command } from 'commander'
import type { VersionsOptions } from './commands/versions.ts'
import type { Globals } from './main.ts'
import { acts, menu } from './menu.ts'
import type { VerbName } from './menu.ts'
import { version } from '../ipc/version.ts'

/** Of an option that may be given more than once. */
function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}

type Deploy = typeof import('./commands/deploy.ts').deploy

/** Loaded once it is typed: whoever asks for a status waits for no schema of the manifest. */
function later<Values extends unknown[]>(
  load: () => Promise<(globals: Globals, ...values: Values) => Promise<number>>,
) {
  return async (globals: Globals, ...values: Values): Promise<number> =>
    (await load())(globals, ...values)
}

type On = <Values extends unknown[]>(
  verb: (globals: Globals, ...values: Values) => Promise<number>,
) => (...values: unknown[]) => Promise<void>

/** @param on what is done with a verb that was typed */
export function programOf(args: readonly string[], on: On): Command {
  const program = rootCommand(args)
  const verb = (name: VerbName, args_ = '') => {
    const { group, does, examples } = menu[name]
    return program
      .command(`${name} ${args_}`)
      .description(does)
      .helpGroup(group)
      .addHelpText('after', `\nExamples:\n${examples.map((one) => `  ${one}`).join('\n')}`)
      .exitOverride()
  }
  const waiting = (command: Command) =>
    command
      .option('--wait', 'follow it to where you can stop looking')
      .option('--timeout <duration>', 'with --wait: stop waiting after this; the release goes on')

  verb('demo')
    .option('--llm', 'with a language model and long streams', false)
    .option('--keep', 'leave it running at the end', false)
    .action(on(later(async () => (await import('./commands/demo.ts')).demo)))
  verb('init')
    .option('--url <url>', 'where the server answers (else the usual ports of this machine)')
    .option(
      '--server-name <name>',
      'the name in its certificate, where that is another than its host',
    )
    .option('--file <file>', 'what to write', 'beryl.yaml')
    .option('--force', 'replace what is there', false)
    .action(on(later(async () => (await import('./commands/init.ts')).init)))
  verb('validate')
    .option('-f, --file <file>', 'the manifest', 'beryl.yaml')
    .action(on(later(async () => (await import('./commands/validate.ts')).validate)))
  verb('doctor')
    .option('-f, --file <file>', 'the manifest', 'beryl.yaml')
    .action(on(later(async () => (await import('./commands/doctor.ts')).doctorCommand)))
  verb('schema').action(on(later(async () => (await import('./commands/schema.ts')).schema)))
  verb('completion', '<shell>').action(
    on(async (globals, shell: string) =>
      (await import('./commands/completion.ts')).completion(globals, shell),
    ),
  )
  verb('apply')
    .option('-f, --file <file>', 'the edited manifest', 'beryl.yaml')
    .option('--dry-run', 'only say what would change', false)
    .option('--remove', 'take away services, and a standby, that it does not name any more', false)
    .action(on(later(async () => (await import('./commands/apply.ts')).apply)))
  verb('up')
    .option('-f, --file <file>', 'the manifest', 'beryl.yaml')
    .option('--detach', 'in the background; `beryl down` stops it', false)
    .option(
      '--take-over',
      'in place of a `beryl up` that runs: a new version, or changed settings of the gateway; nothing is dropped',
      false,
    )
    .action(on(later(async () => (await import('./commands/up.ts')).upCommand)))
  verb('down').action(on(later(async () => (await import('./commands/down.ts')).downCommand)))
  verb('restart', '<process>').action(
    on(later(async () => (await import('./commands/restart.ts')).restart)),
  )
  for (const kind of ['deploy', 'verify'] as const) {
    const one = waiting(verb(kind, '<service> <version>'))
    if (kind === 'verify')
      one.option('--replicas <count>', 'fewer than live has, where there is no room for as many')
    one
      .option('--replace', 'take the place of a release that waits already', false)
      .option('--keep-standby', 'wait until the ladder before has ended by itself', false)
      .action(
        on(async (globals, service: string, version_: string, options: Parameters<Deploy>[4]) =>
          (await import('./commands/deploy.ts')).deploy(globals, kind, service, version_, options),
        ),
      )
  }
  waiting(verb('rollback', '<release-or-service>'))
    .option('--to <version>', 'to an older version, as a release of its own')
    .option('--hard', 'from a lower rung: everything now, whatever is ready', false)
    .option('--reason <text>', 'recorded with your name')
    .action(on(later(async () => (await import('./commands/rollback.ts')).rollback)))
  for (const name of acts) {
    const one = verb(name, '<release-or-service>')
    if (name !== 'retry')
      one.option(
        '--reason <text>',
        name === 'promote' ? 'needed; recorded with your name' : 'recorded with your name',
      )
    if (name === 'approve')
      one.option('--force <gate>', 'skip this gate; needs --reason, and is recorded with your name')
    one.action(
      on(async (globals, target: string, options: { reason?: string; force?: string }) =>
        (await import('./commands/act.ts')).act(globals, name, target, options),
      ),
    )
  }
  verb('freeze', '[service]')
    .option('--reason <text>', 'needed; shown with your name')
    .option('--for <duration>', 'it thaws by itself after this, such as 4h')
    .action(on(later(async () => (await import('./commands/freeze.ts')).freeze)))
  verb('unfreeze', '[service]').action(
    on(async (globals, service?: string) =>
      (await import('./commands/freeze.ts')).unfreeze(globals, service),
    ),
  )
  verb('status', '[service]').action(
    on(later(async () => (await import('./commands/status.ts')).status)),
  )
  verb('watch', '<service>').action(
    on(async (globals, service: string) =>
      (await import('./commands/watch.ts')).watch(globals, service),
    ),
  )
  verb('plan', '<service> <version>')
    .option('--find <share>', 'errors of the regression that is asked about, such as 5%')
    .option('--traffic <times>', 'what if there were so much of it, such as x2')
    .option('--gpus <count>', 'what if there were so many GPU slots')
    .option(
      '--standby <rung>',
      'what if the old version were kept so: full, replicas, asleep, shared, gone',
    )
    .action(on(later(async () => (await import('./commands/plan.ts')).plan)))
  verb('history', '<service>')
    .option('--all', 'older ones than the 50 newest, too')
    .action(on(later(async () => (await import('./commands/history.ts')).history)))
  verb('explain', '<release>').action(
    on(later(async () => (await import('./commands/explain.ts')).explain)),
  )
  verb('report', '<release>')
    .option('--html <file>', 'a page that stands by itself, for whoever was not there')
    .action(on(later(async () => (await import('./commands/report.ts')).report)))
  verb('cost', '[service]').action(
    on(async (globals, service?: string) =>
      (await import('./commands/cost.ts')).cost(globals, service),
    ),
  )
  verb('record', '[action] [service]').action(
    on(async (globals, action?: string, service?: string) =>
      (await import('./commands/record.ts')).record(globals, action, service),
    ),
  )
  verb('backup', '<file>').action(
    on(async (globals, file: string) =>
      (await import('./commands/backup.ts')).backup(globals, file),
    ),
  )
  verb('notifications', '[action]').action(
    on(async (globals, action?: string) =>
      (await import('./commands/notifications.ts')).notifications(globals, action),
    ),
  )
  verb('versions', '<service> [action] [names...]')
    .option('--reason <text>', 'with alias: recorded with your name')
    .option('--remove', 'with alias: take the name away; its history stays')
    .option('--model <place>', 'with add: a file or folder, or a pinned reference')
    .option('--prompt <place>', 'with add: the same for its prompt')
    .option('--tokenizer <place>', 'with add: for its tokenizer')
    .option('--config <place>', 'with add: for its configuration')
    .option('--mlflow <uri>', 'with add: models:/NAME/NUMBER or models:/NAME@ALIAS of MLflow')
    .option('--mlflow-url <url>', 'with add: its server (else MLFLOW_TRACKING_URI of Beryl)')
    .option('--arg <text>', 'with add: one more argument of the command; repeatable', collect)
    .option('--env <name=value>', 'with add: a variable, secrets as ${NAME}; repeatable', collect)
    .option('--expects <gate=score>', 'with add: what it scored when it was accepted', collect)
    .option('--notes <text>', 'with add: for people')
    .option('--commit <id>', 'with add: of Git, where it comes from')
    .option('--run <id>', 'with add: the run that trained it')
    .action(
      on(
        async (
          globals,
          service: string,
          action: string | undefined,
          names: string[],
          options: VersionsOptions,
        ) =>
          (await import('./commands/versions.ts')).versions(
            globals,
            service,
            action ?? 'list',
            names,
            options,
          ),
      ),
    )
  verb('capture', '<service> [action] [file]').action(
    // Commander hands the (empty) options over behind the arguments.
    on(async (globals, service: string, action?: string, file?: string) =>
      (await import('./commands/capture.ts')).capture(globals, service, action, file),
    ),
  )
  verb('token', '[action] [name]')
    .option('--role <role>', 'with create: viewer, operator, admin or feedback')
    .option(
      '--expires <duration>',
      'with create: good for so long, such as 90d (else until revoked)',
    )
    .action(on(later(async () => (await import('./commands/token.ts')).token)))
  return program
}

function rootCommand(args: readonly string[]): Command {
  const program = new Command('beryl')
  return program
    .description('Blue-green releases for ML models')
    .version(version, '-V, --version', "print Beryl's version")
    .helpOption('-h, --help', 'print help, also for one command: beryl deploy --help')
    .helpCommand(false)
    .option('--json', 'print one JSON document and nothing else', false)
    .option('--api <url>', 'where the API is (else BERYL_API, else what `beryl up` wrote down)')
    .option(
      '--ca <file>',
      'certificates to trust, PEM, where the API is https (else BERYL_CA); with `init`, where the server is',
    )
    .option(
      '--data <directory>',
      'the data directory (else BERYL_DATA, else .beryl beside the manifest)',
    )
    .exitOverride()
    .configureOutput({
      outputError: (text) => process.stderr.write(usageError(program, args, text)),
      // Nothing but `beryl` itself: help, as an error, in pieces of which the first begins so.
      writeErr: (text) => {
        if (!isJson(args)) process.stderr.write(text)
        else if (text.startsWith('Usage:'))
          process.stderr.write(usageError(program, args, 'error: which command?'))
      },
    })
    .showSuggestionAfterError(true)
    .addHelpText(
      'after',
      `
Exit codes: 0 done · 1 error · 2 wrong usage or manifest · 3 rejected · 4 rolled back · 5 undecided or waiting for a person
BERYL_TOKEN is the API's token (else admin.token in the data directory).
First steps: beryl demo`,
    )
}

function usageError(program: Command, args: readonly string[], text: string): string {
  const title = text
    .replace(/^error: /, '')
    .trim()
    .replaceAll('\n', ' ')
  const hint = `beryl ${commandIn(program, args)}--help`
  return isJson(args)
    ? `${JSON.stringify({ status: 400, code: 'usage', title, hint }, null, 2)}\n`
    : `${title}\nNext: ${hint}\n`
}

/** The command whose help says more, with a space behind it; empty for a command that does not exist. */
function commandIn(program: Command, args: readonly string[]): string {
  const found = program.commands.find((command) => args.includes(command.name()))
  return found === undefined ? '' : `${found.name()} `
}

/** Asked before the arguments are understood: they may be what is wrong. */
export function isJson(args: readonly string[]): boolean {
  return args.includes('--json')
}
