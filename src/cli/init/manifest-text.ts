/** What was found → a manifest with comments, for a person to read and to go on from. */
import type { Address } from './ask.ts'
import type { Found } from './look.ts'

/** `ca`: of https addresses, as the manifest names it. */
export type Ports = { gateway: number; api: number; green: number; ca?: string | undefined }

export function manifestFor(found: Found, { gateway, api, green, ca }: Ports): string {
  const { address, kind, ready } = found
  return `# ${urlOf(address)}, as \`beryl init\` found it: ${about(found)}.
# Beryl tests and routes; it never starts or stops what runs at these addresses. Every key: docs/manifest.md
# Next:  beryl validate   beryl up   beryl deploy ${serviceName(found)} v1 --wait   (in another terminal: beryl approve ${serviceName(found)})
apiVersion: beryl/v1

gateway: { listen: 127.0.0.1:${gateway} } # clients come here from now on
api: { listen: 127.0.0.1:${api} }

services:
  ${serviceName(found)}:
    protocol: ${kind}${protocolComment(kind)}

    environment:
      provider: external
      blue: [${quoted(urlOf(address))}] # what answers today: the first release goes here
      green: [${quoted(urlOf({ ...address, port: green }))}] # as many more, where you bring up what comes next: put its address here
${spokenTo(found, ca)}      ready: { path: ${ready ?? '/'}, within: 30m } # answers 2xx when it can serve${ready === null ? `; CHANGE THIS: nothing did (${found.refused.join(', ')})` : ''}
${versionComment(found)}

    versions: # names of yours, one for each model that you bring up
      v1: {} # what runs today
      v2: {}

    # Every gate must say yes before traffic moves. A golden set is a file of labelled inputs; docs/gates.md
    # verify:
    #   - goldenSet: ${goldenSet(kind)}

    # What the addresses can carry is not known: a person consents to each switch (beryl approve). docs/adopt.md says when nobody need be asked.
    switch: { when: approved }

    watch: { atLeast: 10m, atMost: 2h } # after the switch: rolled back by itself when it fails more than the old one did
    standby: [{ full: 30m }] # how long the old place must then be left as it is, for the way back
`
}

/** A line each, where there is something to say. */
function spokenTo({ address: { tls }, upstream }: Found, ca: string | undefined): string {
  const { serverName } = tls ?? {}
  const names = [
    ...(ca === undefined ? [] : [`ca: ${JSON.stringify(ca)}`]),
    ...(serverName === undefined ? [] : [`serverName: ${serverName}`]),
  ]
  const line = (text: string) => `      ${text}\n`
  return [
    ...(names.length === 0
      ? []
      : [
          line(
            `tls: { ${names.join(', ')} } # who vouches for its certificate, and for which name`,
          ),
        ]),
    ...(upstream === undefined ? [] : [line('upstream: http2 # it speaks nothing else')]),
  ].join('')
}

/** Nothing runs yet: Beryl starts the server itself. */
export function starter({ gateway, api }: Pick<Ports, 'gateway' | 'api'>): string {
  return `# \`beryl init\` found no server that runs: here Beryl starts yours itself. Adapt the command. Every key: docs/manifest.md
# Next:  beryl validate   beryl up   beryl deploy model v1 --wait
apiVersion: beryl/v1

gateway: { listen: 127.0.0.1:${gateway} } # clients come here, whatever version is live
api: { listen: 127.0.0.1:${api} }

services:
  model:
    protocol: http # or json, openai, grpc: what your server speaks

    environment: # blue and green are both made from this; only the version differs
      provider: process
      # ADAPT THIS: how your server is started. {port} and {version} are filled in, and {model} where versions name one. E.g.
      #   [vllm, serve, '{model}', --port, '{port}']          protocol: openai, ready: { path: /health, within: 10m }
      #   [uvicorn, 'app:app', --port, '{port}']              with MODEL: '{model}' in env
      #   [tritonserver, '--model-repository={model}', '--http-port={port}']   ready: { path: /v2/health/ready, within: 10m }
      command: [python, serve.py, --version, '{version}', --port, '{port}']
      replicas: 1
      ready: { path: /health, within: 10m } # answers 2xx when it can serve

    versions: # a version never changes: new files, new name
      v1: {} # e.g. { model: ./models/v1 }
      v2: {}

    # Every gate must say yes before traffic moves. A golden set is a file of labelled inputs; docs/gates.md
    # verify:
    #   - goldenSet: ${goldenSet('http')}

    watch: { atLeast: 10m, atMost: 2h } # after the switch: rolled back by itself when it fails more than the old one did
    standby: [{ full: 30m }] # how long the old version is kept ready after the watch
`
}

/** In one clause, for the file and for the terminal. */
export function about({ kind, upstream, names, ready, refused }: Found): string {
  const is = {
    openai: `an OpenAI-style server that serves ${names.slice(0, 3).join(', ') || 'no model yet'}`,
    'kserve-v2': `a server of the KServe V2 protocol (${names.join(', ')})`,
    http: `a server of plain HTTP${upstream === undefined ? '' : '/2'}`,
    grpc: 'a server of gRPC',
  }[kind]
  if (ready === null)
    return `${is}; no path said that it is ready (${refused.join(', ')}): put the one that does into ready.path`
  return refused.some((one) => one.startsWith(`${ready} `))
    ? `${is}, not ready yet at ${ready} (${refused.join(', ')})`
    : `${is}, ready at ${ready}`
}

/** A name that the manifest accepts: of the model, where there is one. */
export function serviceName({ kind, names }: Found): string {
  if (kind !== 'openai') return 'model'
  const last = (names[0] ?? '').split('/').at(-1)!
  const name = last
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '')
  return name === '' || /^r\d+$/.test(name) ? 'model' : name
}

export function urlOf({ host, port, tls }: Address): string {
  return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function protocolComment(kind: Found['kind']): string {
  if (kind === 'openai')
    return ' # gates and the watch read answers and streams as that API has them'
  if (kind === 'grpc') return ' # gates read the messages of KServe V2, and any other as bytes'
  if (kind === 'http') return ' # or json, openai, kserve-v2, grpc'
  return ' # gates and the watch read tensors as KServe V2 (REST) has them'
}

/** How the versions could be told apart. */
function versionComment({ kind, ready, names }: Found): string {
  const path = ready ?? '/'
  const lines = {
    openai: [
      `# Which version answers? Where each is served under a name of its own (now: ${names[0] ?? 'none'}), Beryl can ask /v1/models:`,
      `# ready: { path: ${path}, within: 30m, model: 'NAME-{version}' }`,
    ],
    'kserve-v2': [
      '# Which version answers? Where versions of the model are called as here (1, 2, …), Beryl can ask:',
      `# ready: { path: ${path}, within: 30m, version: { path: /v2/models/NAME, answer: '$.versions[*]', is: '{version}' } }`,
    ],
    grpc: [
      '# Which version answers? Where it speaks KServe V2 a gate can ask, as the first one of `verify`: identity: { model: NAME }',
    ],
    http: [
      '# Which version answers? Where the server says so, Beryl can ask:',
      `# ready: { path: ${path}, within: 30m, version: { path: /version, answer: $.version } }`,
    ],
  }[kind]
  return lines.map((line) => `      ${line}`).join('\n')
}

function goldenSet(kind: Found['kind']): string {
  const path = {
    openai: '/v1/chat/completions',
    'kserve-v2': '/v2/models/NAME/infer',
    grpc: '/inference.GRPCInferenceService/ModelInfer',
    http: '/predict',
  }[kind]
  const score = {
    openai: 'score: noRepeats',
    'kserve-v2': "answer: '$.outputs[0].data[0]'",
    grpc: "answer: '$.outputs[0].data[0]'",
    http: 'answer: $.label',
  }[kind]
  return `{ file: ./golden.jsonl, request: { path: ${path} }, ${score}, atLeast: 0.9 }`
}

/** IPv6 addresses begin with a bracket after the scheme: only quotes keep YAML from minding. */
function quoted(url: string): string {
  return url.includes('[') ? `'${url}'` : url
}
