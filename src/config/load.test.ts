/** Bad manifests: each says file:line:column, what was expected and what came; all that is wrong at once, and nothing is half-accepted. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { unsealed } from '../secrets/by-name.ts'
import { loadManifest } from './load.ts'
import { ManifestError } from './manifest-error.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-manifest-'))
after(() => rmSync(directory, { recursive: true, force: true }))
writeFileSync(join(directory, 'golden.jsonl'), '{"request":1,"expected":1}\n')
writeFileSync(join(directory, 'model.bin'), 'weights')

const good = `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:8080, preview: 127.0.0.1:8081 }
api: { listen: 127.0.0.1:8090 }
services:
  tiny:
    route: { path: / }
    environment:
      provider: process
      command: [serve, "{model}", "{port}"]
    versions:
      v1: { model: ./model.bin }
    verify:
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, atLeast: 0.9 }
`

async function problemsOf(text: string | Buffer, name = 'beryl.yaml'): Promise<string[]> {
  const file = join(directory, name)
  writeFileSync(file, text)
  try {
    await loadManifest(file)
    return []
  } catch (error) {
    assert.ok(error instanceof ManifestError, String(error))
    return error.message.split('\n').map((line) => line.replace(`${file}:`, ''))
  }
}

test('a good manifest is accepted', async () => {
  assert.deepEqual(await problemsOf(good), [])
})

const priced = (budget: string) =>
  good
    .replace('command:', 'price: { replicaHour: 2.1, currency: USD }\n      command:')
    .replace('verify:', `budget: ${budget}\n    verify:`)

test('a budget that no replica-hour can be paid with, or in another currency, is refused', async () => {
  assert.deepEqual(await problemsOf(priced('{ release: 2.1, month: 400, currency: USD }')), [])
  const [small] = await problemsOf(priced('{ release: 2, month: 400, currency: USD }'))
  assert.match(
    small!,
    /^13:\d+ services.tiny.budget.release: is less than one replica-hour \(2.1 USD\)/,
  )
  const [other] = await problemsOf(priced('{ month: 400, currency: EUR }'))
  assert.match(
    other!,
    /^13:\d+ services.tiny.budget.currency: is EUR, and environment.price is in USD/,
  )
})

test('two services that would be one model in a pool are refused, and two currencies', async () => {
  const service = (name: string, path: string, own = '') => `  ${name}:
    route: { path: ${path} }
    protocol: kserve-v2
    environment: { provider: process, command: [serve, "{model}", "{port}"]${own} }
    versions: { v1: { model: ./model.bin } }
    standby: [{ shared: 1h, pool: spare, model: "m-{version}" }]
`
  const [said, ...more] = await problemsOf(`apiVersion: beryl/v1
pools: { spare: { urls: ["http://127.0.0.1:9", "http://127.0.0.1:10"], models: 1 } }
services:
${service('tiny', '/v2/models/tiny')}${service('rank', '/v2/models/rank')}`)
  assert.match(
    said!,
    /services.rank.standby.0.model: v1 of rank would be m-v1 in pool spare, and so is v1 of tiny/,
  )
  assert.deepEqual(more, [])
  const inEuro = service('tiny', '/', ', price: { replicaHour: 1, currency: EUR }')
  const [other] = await problemsOf(`apiVersion: beryl/v1
pools: { spare: { url: "http://127.0.0.1:9", models: 1, price: { serverHour: 2, currency: USD } } }
services:
${inEuro}`)
  assert.match(
    other!,
    /services.tiny.standby.0.pool: its price is in USD, and .* is in EUR: use one/,
  )
})

/** What is changed in the good one → what is said of it. */
const cases: [name: string, from: string, to: string, said: RegExp][] = [
  [
    'an unknown key, with the nearest known one',
    'command:',
    'comand:',
    /^9:7 .*unknown key "comand"; did you mean "command"\?/,
  ],
  [
    'an unknown key at the top',
    'apiVersion',
    'foo: 1\napiVersion',
    /^1:\d+ foo: unknown key "foo"/,
  ],
  [
    'an unknown key in a gate',
    'atLeast: 0.9',
    'atleast: 0.9',
    /^13:\d+ .*unknown key "atleast"; did you mean "atLeast"/,
  ],
  [
    'another apiVersion',
    'beryl/v1',
    'beryl/v2',
    /^1:13 apiVersion: expected "beryl\/v1", came "beryl\/v2"/,
  ],
  [
    'a wrong type',
    'command: [serve, "{model}", "{port}"]',
    'command: serve',
    /^9:16 .*expected a list such as \[a, b\], came "serve"/,
  ],
  [
    'a number out of range',
    'atLeast: 0.9',
    'atLeast: 1.5',
    /^13:\d+ .*atLeast: expected .*1, came 1\.5/,
  ],
  [
    'a duration without a unit',
    'provider: process',
    'provider: process\n      ready: { within: 30 }',
    /^9:24 .*expected a duration such as 30s, 10m or 24h, came 30/,
  ],
  [
    'a duration with a wrong unit',
    'provider: process',
    'provider: process\n      ready: { within: 30sec }',
    /^9:24 .*expected a duration/,
  ],
  [
    'a receiver without a secret',
    'services:',
    'notifications: [{ url: "http://x" }]\nservices:',
    /^4:\d+ notifications\.0\.secret: .*expected a secret such as/,
  ],
  [
    'a secret that is guessed',
    'services:',
    'notifications: [{ url: "http://x", secret: abc }]\nservices:',
    /notifications\.0\.secret: expected a secret of at least 16 characters/,
  ],
  [
    'a secret that Slack would ignore',
    'services:',
    'notifications: [{ url: "http://x", format: slack, secret: 0123456789abcdef }]\nservices:',
    /notifications\.0\.secret: expected none with `format: slack`/,
  ],
  [
    'to be told of what there is not',
    'services:',
    'notifications: [{ url: "http://x", secret: 0123456789abcdef, on: [switchd] }]\nservices:',
    /notifications\.0\.on\.0: expected .*"switched".*came "switchd"/,
  ],
  [
    'a receiver twice',
    'services:',
    'notifications: [{ url: "http://x", format: slack }, { url: "http://x", format: slack, on: [step] }]\nservices:',
    /notifications: expected each address, and each command, once/,
  ],
  [
    'a receiver at no address',
    'services:',
    'notifications: [{ command: [./tell.sh], secret: 0123456789abcdef }]\nservices:',
    /notifications\.0\.secret: expected none with `command`/,
  ],
  [
    'a receiver that is neither an address nor a command',
    'services:',
    'notifications: [{ on: [alarm] }]\nservices:',
    /notifications\.0\.url: is missing: expected an address, or `command`/,
  ],
  [
    'an address that is none',
    'services:',
    'notifications: [{ url: "http://[", format: slack }]\nservices:',
    /notifications\.0\.url: expected an address/,
  ],
  [
    'a receiver with a password in its address',
    'services:',
    'notifications: [{ url: "http://a:b@x", format: slack }]\nservices:',
    /notifications\.0\.url: expected http:\/\/… or https:\/\/…/,
  ],
  [
    'a window in no zone',
    '    verify:',
    '    switch: { windows: ["Mon 09:00-10:00 Europe/Pariss"] }\n    verify:',
    /windows\.0: expected a time zone such as Europe\/Paris or UTC; did you mean "Europe\/Paris"\?, came "Mon/,
  ],
  [
    'a window that never opens',
    '    verify:',
    '    switch: { windows: ["Mon 09:00-09:00 UTC"] }\n    verify:',
    /windows\.0: expected an end that differs from the start: it would never open/,
  ],
  [
    'no window at all',
    '    verify:',
    '    switch: { windows: [] }\n    verify:',
    /windows: expected at least one window/,
  ],
  [
    'an address without a port',
    '127.0.0.1:8080',
    'localhost',
    /^2:\d+ gateway.listen: expected host:port/,
  ],
  [
    'a port that does not exist',
    '127.0.0.1:8080',
    '127.0.0.1:80800',
    /^2:\d+ gateway.listen: expected a port below 65536/,
  ],
  [
    'the same address twice',
    '127.0.0.1:8081',
    '127.0.0.1:8080',
    /^2:\d+ gateway.preview: the same address as gateway.listen/,
  ],
  [
    'a share above everything',
    'verify:',
    'watch: { falseRollbackRisk: 120% }\n    verify:',
    /^12:\d+ .*expected .*100%/,
  ],
  [
    'a service name with capitals',
    '  tiny:',
    '  Tiny:',
    /^5:3 services.Tiny: expected a name of lower-case letters, digits and dashes, at most 40, came "Tiny"/,
  ],
  ['no services', '  tiny:', '  # tiny:', /^\d+:\d+ .*(not YAML|expected|unknown key)/],
  [
    'a provider that is not built',
    'provider: process',
    'provider: kubernetes',
    /^8:17 .*`provider: kubernetes` is not built yet/,
  ],
  [
    'a path with a rule that only its service can have',
    'verify:',
    'requests: { paths: { /v1: { concurrent: 2 } } }\n    verify:',
    /^12:\d+ services.tiny.requests.paths.\/v1.concurrent: unknown key "concurrent"/,
  ],
  [
    'a path without a rule',
    'verify:',
    'requests: { paths: { /v1: {} } }\n    verify:',
    /^12:\d+ services.tiny.requests.paths.\/v1: expected at least one rule/,
  ],
  [
    'a path that no request has',
    'route: { path: / }',
    'route: { path: /v1 }\n    requests: { paths: { /v2: { total: 5s } } }',
    /^7:\d+ services.tiny.requests.paths.\/v2: no request has it: those of this service begin with \/v1/,
  ],
  [
    'a path twice',
    'verify:',
    'requests: { paths: { /v1: { total: 5s }, /V1/: { total: 6s } } }\n    verify:',
    /^12:\d+ services.tiny.requests.paths.\/V1\/: the same path as \/v1/,
  ],
  [
    'a sleep that nobody described',
    'verify:',
    'standby: [{ full: 1h }, { asleep: 1h }]\n    verify:',
    /^12:\d+ services.tiny.standby.1.asleep: how its servers sleep is not said: give environment.sleep/,
  ],
  [
    'a program that puts to sleep and is none',
    'provider: process',
    'sleep: { by: commands, down: [], up: [a] }\n      provider: process',
    /^8:\d+ services.tiny.environment.sleep.down/,
  ],
  [
    'a program that wakes and is not there',
    'provider: process',
    'sleep: { by: commands, down: [a], up: [./wake.sh] }\n      provider: process',
    /^8:\d+ services.tiny.environment.sleep.up: expected a file, there is none at .*wake\.sh/,
  ],
  [
    'a placeholder of a sleep that means nothing',
    'provider: process',
    'sleep: { by: commands, down: [a, "{pid}", "{prompt}"], up: [a] }\n      provider: process',
    /^8:\d+ services.tiny.environment.sleep.down: \{prompt\} means nothing for v1; placeholders are \{pid\}/,
  ],
  [
    'a vLLM that has no sleep calls',
    'provider: process',
    'sleep: { by: vllm }\n      provider: process',
    /^8:\d+ services.tiny.environment.sleep: vLLM has its sleep calls only with --enable-sleep-mode/,
  ],
  [
    'a router of llama.cpp that is called ready before its model is loaded',
    'provider: process',
    'sleep: { by: llama.cpp, model: tiny }\n      provider: process',
    /services.tiny.environment.ready.path: llama.cpp's router answers before any model is loaded.*expected \/props\?model=tiny/,
  ],
  [
    'a price without currency',
    'command:',
    'price: { replicaHour: 2.1 }\n      command:',
    /^9:\d+ services.tiny.environment.price.currency: .*currency/,
  ],
  [
    'a budget without a price',
    'verify:',
    'budget: { release: 5, currency: USD }\n    verify:',
    /^12:\d+ services.tiny.budget: what a replica-hour costs is not said: give environment.price/,
  ],
  [
    'a budget without currency',
    'verify:',
    'budget: { release: 5 }\n    verify:',
    /^12:\d+ services.tiny.budget.currency: .*currency/,
  ],
  [
    'a budget of nothing',
    'verify:',
    'budget: { currency: USD }\n    verify:',
    /^12:\d+ services.tiny.budget: expected release, month, or both/,
  ],
  [
    'no release at once',
    'services:',
    'releases: { atOnce: 0 }\nservices:',
    /^4:\d+ releases.atOnce: /,
  ],
  [
    'a sleeper that can be told from its command, and is not said',
    'command: [serve, "{model}", "{port}"]\n    versions:\n      v1: { model: ./model.bin }\n',
    'command: [python, -m, sglang.launch_server, "{model}", "{port}"]\n    versions:\n      v1: { model: ./model.bin }\n    standby: [{ asleep: 1h }]\n',
    /give environment.sleep; it looks like SGLang: sleep: \{ by: sglang \}/,
  ],
  [
    'a ladder that goes up',
    'verify:',
    'standby: [{ replicas: 1, for: 1h }, { full: 1h }]\n    verify:',
    /^12:\d+ services.tiny.standby: expected a ladder that goes down/,
  ],
  [
    'a rung that is no step down',
    'verify:',
    'standby: [{ full: 1h }, { replicas: 1, for: 1h }]\n    verify:',
    /^12:\d+ services.tiny.standby.1.replicas: is no step down: the environment has 1, write full/,
  ],
  [
    'a canary that goes down',
    'verify:',
    'switch: { traffic: { canary: [25%, 5%], every: 1m } }\n    verify:',
    /^12:\d+ services.tiny.switch.traffic.canary: expected each share to be larger than the one before, came/,
  ],
  [
    'a share above all of it',
    'verify:',
    'switch: { traffic: { canary: [25%, 150%] } }\n    verify:',
    /^12:\d+ services.tiny.switch.traffic.canary.1: .*(at most 100%|a part of the traffic)/,
  ],
  [
    'the last share of a canary, which goes without saying',
    'verify:',
    'switch: { traffic: { canary: [25%, 100%] } }\n    verify:',
    /^12:\d+ services.tiny.switch.traffic.canary.1: expected a part of the traffic, from 0.1% to below 100%/,
  ],
  [
    'linear steps of more than half',
    'verify:',
    'switch: { traffic: { linear: 60% } }\n    verify:',
    /^12:\d+ services.tiny.switch.traffic.linear: expected a step from 2% to 50%/,
  ],
  [
    'steps of both kinds',
    'verify:',
    'switch: { traffic: { linear: 10%, canary: [5%] } }\n    verify:',
    /^12:\d+ services.tiny.switch.traffic/,
  ],
  [
    'clients known by something without a name',
    'verify:',
    'switch: { traffic: { canary: [5%], sticky: { by: header } } }\n    verify:',
    /^12:\d+ services.tiny.switch.traffic.sticky/,
  ],
  [
    'bytes to be kept where there are none',
    'environment:',
    'capture: { binary: true }\n    environment:',
    /capture.binary: is of messages of gRPC: it needs `protocol: grpc`/,
  ],
  [
    'a warm-up of gRPC with nothing to send',
    'verify:\n',
    'protocol: grpc\n    verify:\n      - warmUp: {}\n      - load: { rate: 1/s, p95: 1s, for: 30s, request: { path: /predict } }\n#',
    /verify.0.warmUp: nothing says what to send/,
  ],
  [
    'inference over gRPC without anything to infer from',
    'verify:\n',
    'protocol: grpc\n    verify:\n      - warmUp: { request: { path: /inference.GRPCInferenceService/ModelInfer } }\n#',
    /warmUp.request: needs a golden set for the messages that are sent/,
  ],
  [
    'an identity that gRPC has no path for',
    'verify:\n',
    'protocol: grpc\n    verify:\n      - identity: { path: /version }\n#',
    /identity.path: is asked for with GET, which gRPC does not know: give `model`/,
  ],
  [
    'a replay without a capture',
    '- goldenSet',
    '- replay: { requests: 10 }\n      - goldenSet',
    /verify.0.replay: nothing is recorded to be replayed: give the service a `capture`/,
  ],
  [
    'a JSON path that is not understood',
    'verify:',
    'capture: { redact: [$..email] }\n    verify:',
    /^12:\d+ .*redact.0: expected .*a JSON path such as .*came "\$\.\.email"/,
  ],
  [
    'an expression that is none',
    'verify:',
    "capture: { redact: [{ matches: '(' }] }\n    verify:",
    /^12:\d+ .*redact.0.matches: expected a regular expression of JavaScript/,
  ],
  [
    'a capture that keeps too little',
    'verify:',
    'capture: { atMost: 1MiB }\n    verify:',
    /^12:\d+ .*capture.atMost: expected at least 16MiB/,
  ],
  [
    'a shadow that is asked for more than all',
    '- goldenSet',
    '- shadow: { share: 150% }\n      - goldenSet',
    /shadow.share: expected at most 100%/,
  ],
  [
    'a model that is not there',
    './model.bin',
    './model2.bin',
    /^11:20 services.tiny.versions.v1.model: expected a file or directory, there is none at .*model2\.bin/,
  ],
  [
    'a golden set that is not there',
    'golden.jsonl',
    'gold.jsonl',
    /^13:\d+ .*there is none at .*gold\.jsonl/,
  ],
  [
    'a placeholder without a meaning',
    '{port}',
    '{prot}',
    /^9:16 .*\{prot\} means nothing; placeholders are \{port\}/,
  ],
  [
    'a placeholder that the version lacks',
    '{model}',
    '{prompt}',
    /^11:11 .*the command uses \{prompt\}, and v1 has no prompt/,
  ],
  [
    'a golden set that judges nothing',
    ', atLeast: 0.9',
    '',
    /^13:\d+ .*a golden set needs atLeast, noWorseBy, or `expects`/,
  ],
  [
    'a watch that ends before it begins',
    'verify:',
    'watch: { atLeast: 2h, atMost: 1h }\n    verify:',
    /^12:\d+ .*watch.atLeast: is longer than atMost/,
  ],
  [
    'a secret that is not set',
    '"{port}"',
    '"{port}", "${BERYL_TEST_UNSET}"',
    /^9:\d+ .*the environment variable BERYL_TEST_UNSET is not set/,
  ],
  [
    'the same key twice',
    'route: { path: / }',
    'route: { path: / }\n    route: { path: /b }',
    /^7:\d+.*not YAML: .*unique/,
  ],
  [
    'a key that is missing',
    '      provider: process\n',
    '',
    /^8:\d+ services.tiny.environment.provider: is missing: expected "process" or "external"/,
  ],
  [
    'a gate with a capital missing',
    'goldenSet:',
    'goldenset:',
    /^13:9 services.tiny.verify.0.goldenset: unknown key "goldenset"; did you mean "goldenSet"/,
  ],
  [
    'an unknown score',
    'atLeast: 0.9',
    'atLeast: 0.9, score: { jsonField: [a] }',
    /^13:\d+ .*score.jsonField: unknown key "jsonField"; did you mean "jsonFields"/,
  ],
  [
    'a score module that is not there',
    'atLeast: 0.9',
    'atLeast: 0.9, score: { module: score.js }',
    /^13:\d+ .*score.module: expected a file, there is none at .*score\.js/,
  ],
  [
    'a directory where a file should be',
    'golden.jsonl',
    '.',
    /^13:\d+ .*expected a file, there is a directory at /,
  ],
  [
    'a file where a directory should be',
    'provider: process',
    'provider: process\n      directory: model.bin',
    /^9:\d+ .*expected a directory, there is a file at .*model\.bin/,
  ],
  [
    'what a version scores under a name that no gate has',
    './model.bin }',
    './model.bin, expects: { exat: 0.9 } }',
    /^11:\d+ .*expects.exat: no gate goes by the name exat; did you mean "exact"/,
  ],
  [
    'a number where text should be',
    '[serve,',
    '[serve, 8080,',
    /^9:\d+ .*command.1: expected text, came 8080: write it in quotes, "8080"/,
  ],
  ['an empty command', '[serve, "{model}", "{port}"]', '[]', /^9:\d+ .*command.0: is missing/],
  [
    'a share in words',
    'verify:',
    'watch: { falseRollbackRisk: low }\n    verify:',
    /^12:\d+ .*expected a share such as 10%, came "low"/,
  ],
  [
    'a look that never rests',
    'provider: process',
    'provider: process\n      alive: { every: 0s }',
    /^9:\d+ .*alive.every: expected a duration from 10ms to 1h, came "0s"/,
  ],
  [
    'a duration longer than anybody waits',
    'provider: process',
    'provider: process\n      ready: { within: 9999d }',
    /^9:\d+ .*expected at most 366d, came "9999d"/,
  ],
  [
    'a URL where a host name should be',
    'path: /',
    'host: "http://a:80", path: /',
    /^6:\d+ .*route.host: expected a host name such as chat\.example\.com, without scheme and port/,
  ],
  [
    'a path with a query',
    'path: /',
    'path: /a?b',
    /^6:\d+ .*route.path: expected a path such as \/v1/,
  ],
  [
    'a path that is Beryl’s own',
    'path: /',
    'path: /.beryl/x',
    /^6:\d+ .*route.path: expected .*not \/\.beryl/,
  ],
  ['a path that climbs', 'path: /', 'path: /a/../b', /^6:\d+ .*route.path: expected/],
  [
    'a service with a name that releases have',
    '  tiny:',
    '  r7:',
    /^5:3 services.r7: expected another name: r and a number names a release/,
  ],
  [
    'the prototype of everything',
    'provider: process',
    'provider: process\n      __proto__: { replicas: 3 }',
    /^9:7 .*unknown key "__proto__"; known here: provider, command/,
  ],
  [
    'an alias within what it names',
    'route: { path: / }',
    'route: &here { path: / , more: *here }',
    /not usable: an alias \(\*\) stands within what it names \(&\)/,
  ],
  ['an alias of nothing', 'route: { path: / }', 'route: *nothing', /not usable: Unresolved alias/],
  [
    'a tag that would make code',
    'beryl/v1',
    '!!js/function "x"',
    /^1:13: not YAML: Unresolved tag/,
  ],
  [
    'a rung in a pool that there is not',
    'verify:',
    'standby: [{ shared: 1h, pool: spare, model: "tiny-{version}" }]\n    verify:',
    /^12:\d+ services.tiny.standby.0.pool: no pool of this name in pools: there is none/,
  ],
  [
    'two versions under one name in a pool',
    'verify:',
    'standby: [{ shared: 1h, pool: spare, model: tiny }]\n    verify:',
    /services.tiny.standby.0.model: expected \{version\} in it, such as tiny-\{version\}/,
  ],
  [
    'a pool for clients whose path names no model',
    'verify:',
    'standby: [{ shared: 1h, pool: spare, model: "tiny-{version}" }]\n    verify:',
    /services.tiny.standby.0.shared: .*only with protocol kserve-v2/,
  ],
  [
    'a rung above the pool, below it',
    'verify:',
    'standby: [{ shared: 1h, pool: spare, model: "tiny-{version}" }, { full: 1m }]\n    verify:',
    /a ladder that goes down: full first, .*then asleep, then shared/,
  ],
  [
    'a pool without places',
    'services:',
    'pools: { spare: { url: "http://127.0.0.1:9", models: 0 } }\nservices:',
    /pools.spare.models: expected .*1/,
  ],
  [
    'a pool with one server and several',
    'services:',
    'pools: { spare: { url: "http://127.0.0.1:9", urls: ["http://127.0.0.1:10"], models: 1 } }\nservices:',
    /pools.spare: expected either url, of one server, or urls, of several/,
  ],
  [
    'a pool of servers that are spoken to in two ways',
    'services:',
    'pools: { spare: { urls: ["https://127.0.0.1:9", "http://127.0.0.1:10"], models: 1 } }\nservices:',
    /pools.spare.urls.1: expected https, as the first address is/,
  ],
  [
    'one server in two pools',
    'services:',
    'pools: { spare: { url: "http://127.0.0.1:9", models: 1 }, more: { url: "http://127.0.0.1:9", models: 1 } }\nservices:',
    /pools.more.url: the same address as pools.spare.url: its places would count twice/,
  ],
  [
    'a pool server of another machine that is to be started here',
    'services:',
    'pools: { spare: { url: "http://10.0.0.1:9", models: 1, start: { command: [serve, "{port}"] } } }\nservices:',
    /pools.spare.start: Beryl starts servers at 127.0.0.1 only, and 10.0.0.1 is another/,
  ],
  [
    'a placeholder of a pool server that means nothing',
    'services:',
    'pools: { spare: { url: "http://127.0.0.1:9", models: 1, start: { command: [serve, "{model}"] } } }\nservices:',
    /pools.spare.start.command: \{model\} means nothing here: only \{port\} does/,
  ],
  [
    'a pool server whose program is not there',
    'services:',
    'pools: { spare: { url: "http://127.0.0.1:9", models: 1, start: { command: [./serve-pool, "{port}"] } } }\nservices:',
    /pools.spare.start.command: expected a file, there is none at .*serve-pool/,
  ],
  [
    'a pool server that should run in a directory that is not there',
    'services:',
    'pools: { spare: { url: "http://127.0.0.1:9", models: 1, start: { command: [serve], directory: ./pool } } }\nservices:',
    /pools.spare.start.directory: expected a directory, there is none at .*pool/,
  ],
  [
    'a pool at an address of Beryl',
    'services:',
    'pools: { spare: { url: "http://127.0.0.1:8080", models: 1 } }\nservices:',
    /pools.spare.url: the same address as gateway.listen/,
  ],
  [
    'authorities of a pool without TLS',
    'services:',
    'pools: { spare: { url: "http://127.0.0.1:9", models: 1, tls: { ca: ca.pem } } }\nservices:',
    /pools.spare.tls: is for https:\/\/ addresses/,
  ],
  [
    'authorities of a pool that there are not',
    'services:',
    'pools: { spare: { url: "https://127.0.0.1:9", models: 1, tls: { ca: none.pem } } }\nservices:',
    /pools.spare.tls.ca: .*none.pem cannot be read: there is no such file/,
  ],
  [
    'a standby on spot capacity',
    'verify:',
    'standby: { spot: true }\n    verify:',
    /^12:\d+ services.tiny.standby.spot: how a replica is started on spot capacity is not said/,
  ],
  [
    'spot capacity that nobody is on',
    'command:',
    'spot: { command: [srun] }\n      command:',
    /environment.spot: nobody is on it: say standby/,
  ],
  [
    'a price of what nobody is on',
    'command:',
    'price: { replicaHour: 2, spotReplicaHour: 1, currency: USD }\n      command:',
    /price.spotReplicaHour: nothing is on spot capacity/,
  ],
  [
    'a program for spot capacity that is not there',
    'command:',
    'spot: { candidate: true, command: [./on-spot.sh], notice: { run: [./soon.sh] } }\n      command:',
    /environment.spot.command: .*on-spot.sh/,
  ],
  [
    'a notice that runs nothing',
    'command:',
    'spot: { candidate: true, notice: { run: [] } }\n      command:',
    /notice.run.0: is missing: expected text/,
  ],
  [
    'a ladder that goes up, of a standby on spot capacity',
    'verify:',
    'standby: { spot: true, ladder: [{ asleep: 1h }, { full: 1m }] }\n    verify:',
    /standby.ladder: expected a ladder that goes down/,
  ],
  [
    'a rung that is none, of a standby on spot capacity',
    'verify:',
    'standby: { spot: true, ladder: [{ replicas: 9, for: 1m }] }\n    verify:',
    /standby.ladder.0.replicas: is no step down/,
  ],
  [
    'identity without a path, and no protocol that has one',
    'verify:',
    'verify:\n      - identity: {}',
    /identity: needs a path: only `protocol: openai`, `kserve-v2` and `grpc` have one of their own/,
  ],
  [
    'metadata of a model that has no name',
    'verify:',
    'protocol: kserve-v2\n    verify:\n      - identity: {}',
    /identity: needs the name of the model whose metadata is asked for/,
  ],
  [
    'a model where no metadata is asked for',
    'verify:',
    'verify:\n      - identity: { path: /version, model: a }',
    /model: goes with `protocol: kserve-v2` or `grpc`, and without a path: leave it out/,
  ],
  [
    'compatibility with nothing recorded',
    'verify:',
    'verify:\n      - compatibility: {}',
    /nothing is recorded to be replayed: give the service a `capture`/,
  ],
  [
    'recorded requests where nothing is recorded',
    'verify:',
    'verify:\n      - warmUp: { from: captures }',
    /from: nothing is recorded: give the service a `capture`/,
  ],
  [
    'recorded requests with a request',
    'verify:',
    'capture: {}\n    verify:\n      - warmUp: { from: captures, request: { path: /a } }',
    /request: recorded requests say by themselves where they go: leave it out/,
  ],
  [
    'headers for requests that nobody recorded',
    'verify:',
    "verify:\n      - warmUp: { headers: { authorization: 'Bearer t' } }",
    /headers: are of recorded requests, and none are sent here/,
  ],
  [
    'a JSON Schema that is not there',
    'verify:',
    'capture: {}\n    verify:\n      - compatibility: { schema: ./nowhere.json }',
    /schema: .*nowhere\.json/,
  ],
  [
    'gRPC over HTTP/1.1',
    'environment:',
    'protocol: grpc\n    environment:\n      upstream: http1',
    /upstream: gRPC needs HTTP\/2/,
  ],
  [
    'a path that is no method of gRPC',
    'environment:',
    'protocol: grpc\n    environment:',
    /goldenSet.request.path: expected a method such as \/inference/,
  ],
  [
    'a certificate that is not there',
    'listen: 127.0.0.1:8080,',
    'tls: { cert: none.pem, key: none.pem }, listen: 127.0.0.1:8080,',
    /gateway\.tls\.cert: .*none\.pem cannot be read: there is no such file/,
  ],
  [
    'a signal that there is none of',
    'verify:',
    'watch: { signals: [errors, validty] }\n    verify:',
    /^12:32 .*there is no signal validty; did you mean "validity"\?/,
  ],
  [
    'a signal of their own that nobody looks at',
    'verify:',
    'watch: { own: { polite: { yesNo: { matches: please } } } }\n    verify:',
    /watch\.own\.polite: is not among watch\.signals/,
  ],
  [
    'a signal of their own by the name of one of ours',
    'verify:',
    'watch: { own: { errors: { yesNo: { matches: please } } } }\n    verify:',
    /expected another name: errors, latency, .* are Beryl's own/,
  ],
  [
    'a signal that comes from nowhere',
    'verify:',
    'watch: { signals: [errors, polite], own: { polite: { yesNo: {} } } }\n    verify:',
    /where does it come from\? Give answer \(a JSON path\), matches/,
  ],
  [
    'drift that is to earn a promotion',
    'verify:',
    'watch: { signals: [errors, drift], required: [drift] }\n    verify:',
    /drift can hold a promotion up, never earn one/,
  ],
  [
    'a schema that is not there',
    'verify:',
    'watch: { signals: [errors, validity], validity: { schema: none.json } }\n    verify:',
    /watch\.validity\.schema: .*none\.json/,
  ],
  [
    'times of tokens where there are none',
    'verify:',
    'watch: { signals: [errors, perToken] }\n    verify:',
    /perToken: only streams of language models have tokens; it needs `protocol: openai`/,
  ],
  [
    'times of tokens that are to earn a promotion without a limit of their own',
    'verify:',
    'watch: { signals: [errors, firstToken], required: [firstToken] }\n    verify:',
    /firstToken is required, .* give watch\.firstToken\.p95/,
  ],
  [
    'labels of which none is bad',
    'verify:',
    'watch: { signals: [errors, feedback], feedback: { kind: label } }\n    verify:',
    /which labels are bad\?/,
  ],
  ['a tab where YAML forbids it', '    route', '\troute', /^\d+:\d+: not YAML/],
  ['a bracket that nobody closes', '[serve,', '[serve', /^9:\d+.*not YAML/],
]

for (const [name, from, to, said] of cases) {
  test(`${name}: is named with line and column`, async () => {
    assert.ok(good.includes(from))
    const problems = await problemsOf(good.replace(from, to))
    assert.ok(problems.length > 0, 'it was accepted')
    assert.ok(
      problems.some((problem) => said.test(problem)),
      problems.join('\n'),
    )
  })
}

test('everything that is wrong is said at once', async () => {
  const problems = await problemsOf(
    good.replace('command:', 'comand:').replace('0.9', '"high"').replace('beryl/v1', 'v1'),
  )
  assert.equal(problems.length, 4, problems.join('\n'))
})

test('a key that is not built is one problem, not also a list that is too long', async () => {
  const problems = await problemsOf(
    good.replace('verify:', 'standby: [{ full: 1m }, { asleep: 1h }]\n    verify:'),
  )
  assert.equal(problems.length, 1, problems.join('\n'))
})

test('a secret that is in the wrong place is named, never shown', async () => {
  process.env['BERYL_TEST_SECRET'] = 'hunter2'
  const problems = await problemsOf(good.replace('127.0.0.1:8080', '"${BERYL_TEST_SECRET}"'))
  delete process.env['BERYL_TEST_SECRET']
  assert.match(problems.join(), /came "\$\{BERYL_TEST_SECRET\}"/)
  assert.doesNotMatch(problems.join(), /hunter2/)
})

test('a copy of a checked manifest is not checked again for files that have moved since', async () => {
  const file = join(directory, 'gone', 'beryl.yaml')
  const copy = join(directory, 'copy.yaml')
  writeFileSync(copy, good)
  const loaded = await loadManifest(file, { copy })
  assert.equal(loaded.directory, join(directory, 'gone'))
  assert.equal(loaded.text, good)
})

const hooks: [gate: string, said: RegExp | null][] = [
  ['prometheus: { url: "http://p:9090", query: up, atMost: 1 }', null],
  ['prometheus: { url: "http://p:9090", query: up, noWorseBy: 5%, for: 10s, dryRun: true }', null],
  ['webhook: { url: "https://checks.example.com/b?x=1", within: 30s }', null],
  ['command: { run: [sh, -c, exit 0], env: { A: b } }', null],
  ['prometheus: { url: "http://p:9090", query: up }', /needs atMost, atLeast or noWorseBy/],
  [
    'prometheus: { url: "http://p", query: up, atMost: 1, atLeast: 2 }',
    /atMost: is less than atLeast/,
  ],
  [
    'prometheus: { url: "http://p", query: up, atMost: 2, atLeast: 1, noWorseBy: 1% }',
    /nobody knows what is worse/,
  ],
  [
    'prometheus: { url: "http://p", query: up, atMost: 1, for: 1m }',
    /for: must be shorter than within/,
  ],
  ['prometheus: { url: "http://u:secret@p", query: up, atMost: 1 }', /without user and password/],
  ['webhook: { url: "ftp://p" }', /expected http:\/\/… or https:\/\/…/],
  ['webhook: { url: "http://p", retries: 3 }', /unknown key "retries"/],
  ['webhook: { url: "http://p", within: 0s }', /expected at least 100ms/],
  ['load: { rate: 50/s, p95: 800ms, ramp: { to: 12000/m } }', null],
  ['load: { rate: 120%, of: peak, p95: 1s, errors: 0%, for: 30s }', null],
  ['load: { rate: 50, p95: 1s }', /expected a rate such as 50\/s, or 120% with `of: peak`/],
  ['load: { rate: 0/s, p95: 1s }', /expected a rate above 0/],
  ['load: { rate: 0%, of: peak, p95: 1s }', /rate/],
  ['load: { rate: 120%, p95: 1s }', /a share of what\? add `of: peak`/],
  ['load: { rate: 5/s, of: peak, p95: 1s }', /of: goes with a share/],
  ['load: { rate: 5/s }', /p95/],
  ['load: { rate: 5/s, p95: 1s, for: 2s }', /fewer than 20 requests/],
  ['load: { rate: 5000/s, p95: 1s, for: 8m }', /more than 1000000 requests/],
  ['load: { rate: 5/s, p95: 1s, for: 10m }', /for: must be shorter than within/],
  ['load: { rate: 50/s, p95: 1s, ramp: { to: 20/s } }', /ramp: must go above rate/],
  ['load: { rate: 50/s, p95: 1s, firstToken: 1s }', /needs `protocol: openai`/],
  ['identity: { path: /version }', /identity: is asked before anything else: put it first/],
  ['command: { run: [] }', /run/],
  ['command: { run: [./nowhere.sh] }', /expected a file, there is none at .*nowhere\.sh/],
]
for (const [gate, said] of hooks)
  test(`${gate} is ${said === null ? 'accepted' : 'refused'}`, async () => {
    const problems = await problemsOf(`${good}      - ${gate}\n`)
    if (said === null) assert.deepEqual(problems, [])
    else assert.match(problems.join(), said)
  })

test('a load gate must know what to send', async () => {
  const problems = await problemsOf(
    good.replace(/- goldenSet: .*/, '- load: { rate: 50/s, p95: 1s }'),
  )
  assert.match(problems.join(), /nothing says what to send/)
})

test('evidence that would be too old as soon as it is there is refused', async () => {
  const problems = await problemsOf(`${good}    switch: { evidenceFor: 1m }\n`)
  assert.match(
    problems.join(),
    /switch\.evidenceFor: is shorter than the gates may take together \(\d+s/,
  )
})

test('two services at one route are refused', async () => {
  const problems = await problemsOf(
    `${good}${good.slice(good.indexOf('  tiny:')).replace('tiny', 'more')}`,
  )
  assert.match(problems.join(), /the same route as tiny: give one of them another host or path/)
})

test('files that are no manifest are refused by what they are', async () => {
  assert.match((await problemsOf('  \n'))[0]!, /the file is empty; begin with `apiVersion/)
  assert.match(
    (await problemsOf(Buffer.from([1, 0, 2])))[0]!,
    /expected YAML text, came binary data/,
  )
  assert.match(
    (await problemsOf(Buffer.from('apiVersion: \xe9', 'latin1')))[0]!,
    /expected YAML text in UTF-8/,
  )
  await assert.rejects(loadManifest(directory), /it is a directory; give the file in it with -f/)
  assert.match((await problemsOf('#'.repeat(1024 * 1024 + 1)))[0]!, /larger than 1048576 bytes/)
  assert.match((await problemsOf('- a\n- b\n'))[0]!, /expected a mapping of keys to values/)
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c]\n`
  assert.match((await problemsOf(bomb))[0]!, /not usable: .*alias/i)
})

test('Windows line ends and a byte order mark are text like any other', async () => {
  assert.deepEqual(await problemsOf(`\uFEFF${good.replaceAll('\n', '\r\n')}`), [])
})

test('a file that is not there is named', async () => {
  await assert.rejects(
    loadManifest(join(directory, 'nope.yaml')),
    /there is no such file; give another one with -f/,
  )
})

test('what is kept has secrets by name, wherever they may stand, and paths and numbers as they are', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'beryl-seal-'))
  const file = join(directory, 'beryl.yaml')
  writeFileSync(join(directory, 'g.jsonl'), '{"request": {}, "expected": 1}\n')
  writeFileSync(
    file,
    `apiVersion: beryl/v1
services:
  chat:
    environment:
      provider: process
      command: [serve, --key, '\${SEAL_KEY}', '{port}']
      env: { TOKEN: 'Bearer \${SEAL_KEY}' }
    versions:
      v1: { env: { OWN: '\${SEAL_KEY}' }, args: ['\${SEAL_KEY}'] }
    verify:
      - goldenSet: { file: '\${SEAL_FILE}', request: { path: /, headers: { authorization: '\${SEAL_KEY}' } }, atLeast: 0.5 }
      - webhook: { url: 'http://\${SEAL_HOST}/x', headers: { a: '\${SEAL_KEY}' } }
      - prometheus: { url: '\${SEAL_URL}', query: up, atMost: 1 }
`,
  )
  Object.assign(process.env, {
    SEAL_KEY: 'a-secret',
    SEAL_FILE: 'g.jsonl',
    SEAL_HOST: 'localhost',
    SEAL_URL: 'http://a-secret.example.com',
  })
  try {
    const loaded = await loadManifest(file)
    const kept = JSON.stringify(loaded.sealed)
    assert.ok(!kept.includes('a-secret'))
    assert.match(kept, /"file":"g\.jsonl"/)
    assert.deepEqual(unsealed(loaded.sealed), loaded.manifest)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
