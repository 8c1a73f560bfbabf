/** Every verb: what it does, in one line, and how it is typed. The help texts are made from this; a test runs through it. */
export type Verb = { group: string; does: string; examples: readonly string[] }

const start = 'Start:'
const release = 'Release:'
const decide = 'Decide, by release or service:'
const look = 'Look:'
const rights = 'Rights:'

export const menu = {
  demo: {
    group: start,
    does: 'the whole story with real models, in under two minutes',
    examples: ['beryl demo', 'beryl demo --llm', 'beryl demo --keep'],
  },
  init: {
    group: start,
    does: 'look at a server that runs, and write a manifest that works',
    examples: ['beryl init', 'beryl init --url http://10.0.0.1:8000 --file production.yaml'],
  },
  doctor: {
    group: start,
    does: 'what is wrong with this installation, and how to fix it; exit 1 when something is',
    examples: ['beryl doctor', 'beryl doctor -f production.yaml --data /var/lib/beryl --json'],
  },
  validate: {
    group: start,
    does: 'check a manifest: file:line:column, what was expected, what came',
    examples: ['beryl validate', 'beryl validate -f production.yaml --json'],
  },
  schema: {
    group: start,
    does: "print the manifest's JSON Schema, for editors",
    examples: ['beryl schema > beryl.schema.json'],
  },
  completion: {
    group: start,
    does: 'a script that completes commands, services, versions and releases: bash, zsh, fish',
    examples: [
      'beryl completion bash > ~/.local/share/bash-completion/completions/beryl',
      'beryl completion fish > ~/.config/fish/completions/beryl.fish',
    ],
  },
  up: {
    group: start,
    does: 'start gateway, controller and API in the foreground; Ctrl-C stops everything',
    examples: [
      'beryl up',
      'beryl up --detach',
      'beryl up --take-over',
      'beryl up -f production.yaml --data /var/lib/beryl',
    ],
  },
  down: {
    group: start,
    does: 'stop what `up` started: traffic first, then the model servers',
    examples: ['beryl down', 'beryl down --data /var/lib/beryl'],
  },
  restart: {
    group: start,
    does: 'start the gateway anew, with its settings as the manifest has them now; no connection is dropped',
    examples: ['beryl restart gateway', 'beryl restart gateway --data /var/lib/beryl'],
  },
  apply: {
    group: start,
    does: 'apply an edited manifest to a Beryl that runs: what changes now, with the next release, or not at all',
    examples: [
      'beryl apply --dry-run',
      'beryl apply -f production.yaml',
      'beryl apply --remove --dry-run',
    ],
  },
  deploy: {
    group: release,
    does: 'bring a version up, test it, and switch to it',
    examples: [
      'beryl deploy chat v2 --wait',
      'beryl deploy chat @champion --wait',
      'beryl deploy chat v2 --wait --timeout 30m --json',
    ],
  },
  verify: {
    group: release,
    does: 'the same gates, then tear down; never switches',
    examples: ['beryl verify chat v2 --wait'],
  },
  rollback: {
    group: release,
    does: 'back to the standby at once',
    examples: [
      'beryl rollback chat --reason "answers in the wrong language"',
      'beryl rollback chat --to v1 --wait',
      'beryl rollback chat --hard --reason "every answer is wrong"',
    ],
  },
  approve: {
    group: decide,
    does: 'consent to this release, by name',
    examples: [
      'beryl approve r7 --reason "read the report"',
      'beryl approve r7 --force goldenSet --reason "labels 12 to 15 are wrong"',
    ],
  },
  promote: {
    group: decide,
    does: 'the next step of a canary now; in the watch: accept it without more evidence',
    examples: ['beryl promote r7 --reason "night: no traffic to judge by"'],
  },
  pause: {
    group: decide,
    does: 'stop forward steps; never guard, health or rollback',
    examples: ['beryl pause chat --reason "incident in the data centre"'],
  },
  resume: { group: decide, does: 'let it go on', examples: ['beryl resume chat'] },
  abort: {
    group: decide,
    does: 'end it before the switch; live traffic is not touched',
    examples: ['beryl abort r7 --reason "wrong weights"'],
  },
  freeze: {
    group: decide,
    does: 'nothing switches forward, of one service or of all; a rollback always may',
    examples: [
      'beryl freeze --reason "Black Friday" --for 48h',
      'beryl freeze chat --reason "incident 4711"',
    ],
  },
  unfreeze: {
    group: decide,
    does: 'lift a freeze',
    examples: ['beryl unfreeze', 'beryl unfreeze chat'],
  },
  retry: {
    group: decide,
    does: 'the same version again, as a new release; no evidence is carried over',
    examples: ['beryl retry r7'],
  },
  status: {
    group: look,
    does: 'one screen: what is live, what is being released, what it waits for',
    examples: ['beryl status', 'beryl status chat --json'],
  },
  watch: {
    group: look,
    does: 'the service as it is, live, on the whole terminal; in a pipe a line for each event',
    examples: ['beryl watch chat', 'beryl watch chat --json | jq .text'],
  },
  plan: {
    group: look,
    does: 'before anything is started: time, capacity, cost, and what the watch could find',
    examples: [
      'beryl plan chat v2',
      'beryl plan chat v2 --find 2% --json',
      'beryl plan chat v2 --traffic x2 --gpus 4 --standby asleep',
    ],
  },
  history: {
    group: look,
    does: 'every release: what became of it, and why',
    examples: ['beryl history chat', 'beryl history chat --all'],
  },
  explain: {
    group: look,
    does: 'one release: every transition, who, when, and on which evidence',
    examples: ['beryl explain r7', 'beryl explain r7 --json > r7.json'],
  },
  report: {
    group: look,
    does: 'one release on a page that stands by itself: verdicts, evidence, cost, the record',
    examples: ['beryl report r7 --html r7.html', 'beryl report r7 --json'],
  },
  versions: {
    group: look,
    does: 'the registry: list, show VERSION, diff VERSION VERSION, add NAME, remove VERSION, alias NAME VERSION',
    examples: [
      'beryl versions chat',
      'beryl versions chat show v2',
      'beryl versions chat diff @live v2',
      'beryl versions chat add v3 --model ./models/v3 --notes "trained in November" --expects exact=0.95',
      'beryl versions chat add v4 --mlflow models:/chat@champion --mlflow-url http://127.0.0.1:5000',
      'beryl versions chat alias champion v2 --reason "won the comparison"',
      'beryl versions chat alias champion --remove',
    ],
  },
  cost: {
    group: look,
    does: 'the ledger: replica-hours and money by release and role, and what blue-green added',
    examples: ['beryl cost', 'beryl cost chat', 'beryl cost chat --json'],
  },
  record: {
    group: look,
    does: 'how far the record goes back; export: every event as JSON Lines',
    examples: [
      'beryl record',
      'beryl record export > record.jsonl',
      'beryl record export chat > chat.jsonl',
    ],
  },
  notifications: {
    group: look,
    does: 'who is told of what happens, and what they did not take: list, retry',
    examples: ['beryl notifications', 'beryl notifications retry'],
  },
  capture: {
    group: look,
    does: 'recorded production traffic: list, export, import FILE, purge',
    examples: [
      'beryl capture chat',
      'beryl capture chat export > chat.jsonl',
      'beryl capture chat import chat.jsonl',
      'beryl capture chat purge',
    ],
  },
  backup: {
    group: rights,
    does: 'a copy of all that is kept, while Beryl runs; `up` starts on it',
    examples: ['beryl backup beryl-2026-05-01.db', 'beryl backup nightly.db --json'],
  },
  token: {
    group: rights,
    does: 'who may do what: create NAME --role ROLE, list, revoke NAME',
    examples: [
      'beryl token create ada --role operator --expires 90d',
      'beryl token create wall --role viewer',
      'beryl token list',
      'beryl token revoke ada',
    ],
  },
} as const satisfies Record<string, Verb>

export type VerbName = keyof typeof menu

export const acts = ['approve', 'promote', 'pause', 'resume', 'abort', 'retry'] as const
