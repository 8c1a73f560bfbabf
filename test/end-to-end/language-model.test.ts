/** A real language model behind Beryl: a switch in the middle of long streams. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startBeryl } from '../support/beryl.ts'

const example = fileURLToPath(new URL('../../examples/moby-pico/', import.meta.url))
const file = (name: string) => JSON.stringify(`${example}${name}`)

const manifest = `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0, preview: 127.0.0.1:0, workers: 2 }
api: { listen: 127.0.0.1:0 }
services:
  tiny:
    route: { path: /v1 }
    protocol: openai
    environment:
      provider: process
      command: [${JSON.stringify(process.execPath)}, ${file('server.ts')}, --tokenizer, ${file('models/tokenizer.json')}, --model, "{model}", --port, "{port}", --tokens-per-second, "40"]
      ready: { path: /health, within: 20s, model: "tiny-{version}" }
      stop: { grace: 10s }
    versions:
      v1: { model: ${file('models/v1.bin')}, args: [--name, tiny-v1] }
      v2: { model: ${file('models/v2.bin')}, args: [--name, tiny-v2], expects: { perplexity: 21.4 } }
    verify:
      - goldenSet: { file: golden.jsonl, request: { path: /v1/completions }, score: perplexity, atMost: 40, noWorseBy: 0.02 }
    switch: { drain: 60s }
    watch: { atLeast: 0s, atMost: 10m, signals: [errors], errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 10m }]
`

/** Twelve short passages are enough to tell these versions apart, and take a second. */
const goldenLines = [
  [
    'But the bodings of the crew were',
    ' destined to receive a most plausible confirmation in the fate',
  ],
  ['The lost life-buoy was now to be', ' replaced; Starbuck was directed to see to it'],
  ['all these seemed the strange calm', ' things preluding some riotous and desperate scene'],
  ['Making so long a passage through', ' such unfrequented waters, descrying no ships'],
  ['was sailing by a cluster of', ' rocky islets; the watch -- then headed by Flask'],
  ['At last, when the ship drew near', ' to the outskirts of the Equatorial fishing-ground'],
  ['the Pequod held on her path', ' towards the Equator, and ere long was impelled by winds'],
  ['this man went from his hammock', ' to his mast-head at the fore; and whether it was that'],
  ['in the deep darkness that goes', ' before the dawn, the men were startled by a cry'],
  ['in the feverish eagerness of what', ' seemed the approaching crisis of the voyage, all hands'],
  ['he was not yet half waked from', ' his sleep, for sailors sometimes go aloft in the night'],
  ['no cask of sufficient lightness', ' could be found, and so they were going to leave the ship'],
].map(([prompt, expected]) => ({ request: { prompt }, expected }))

test('a better language model takes over in the middle of long streams, and cuts none', async () => {
  const beryl = await startBeryl({ models: {}, manifest, goldenLines })
  try {
    const short = shortAnswers(beryl.gateway)
    const { id: first } = await beryl.deploy('v1')
    await beryl.until(first, ({ phase }) => phase === 'finished', 'past its watch')
    const long = longStreams(beryl.gateway)
    await long.open

    const { id } = await beryl.deploy('v2')
    const live = ({ phase }: { phase: string }) => phase === 'stabilizing'
    const { switched, gates } = await beryl.until(id, live, 'past its watch')
    assert.match(JSON.stringify(gates), /v2 has a perplexity of \d/)
    const streams = await long.stop()
    assert.ok(streams.every(({ text }) => text.endsWith('data: [DONE]\n\n')))
    const across = streams.filter(
      ({ begunAt, endedAt }) => begunAt < switched!.at && endedAt > switched!.at,
    )
    assert.ok(across.length > 0, 'streams were open at the switch')
    assert.ok(across.every(({ version }) => version === 'v1'))
    const { lost, versions } = await short.stop()
    assert.deepEqual(lost, [])
    assert.deepEqual(versions, ['v1', 'v2'], 'no old answer after a new one')
  } finally {
    assert.equal(await beryl.stop(), 0)
  }
})

type Streamed = { version: string; text: string; begunAt: number; endedAt: number }

/** Six clients, each reads one stream of 120 tokens after the other, at 40 tokens a second. */
function longStreams(gateway: string) {
  const opened = Promise.withResolvers<void>()
  let stopped = false
  const reading = Array.from({ length: 6 }, async (_, seed) => {
    const read: Streamed[] = []
    while (!stopped) read.push(await stream(gateway, seed, opened.resolve))
    return read
  })
  Promise.all(reading).catch(opened.reject)
  return {
    open: opened.promise,
    /** Lets what is open end. */
    stop: async () => {
      stopped = true
      return (await Promise.all(reading)).flat()
    },
  }
}

function stream(gateway: string, seed: number, open: () => void): Promise<Streamed> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${gateway}/v1/chat/completions`, { method: 'POST' }, (incoming) => {
      const version = String(incoming.headers['beryl-version'])
      const begunAt = Date.now()
      let text = ''
      open()
      incoming.setEncoding('utf8')
      incoming.on('data', (piece: string) => (text += piece))
      incoming.on('error', reject)
      incoming.on('end', () => resolve({ version, text, begunAt, endedAt: Date.now() }))
    })
    outgoing.on('error', reject)
    const messages = [{ role: 'user', content: 'The sea was calm and' }]
    outgoing.end(JSON.stringify({ messages, max_tokens: 120, seed, stream: true }))
  })
}

/** One short answer after the other; a version is told whenever answers begin to be its own. */
function shortAnswers(gateway: string) {
  const versions: string[] = []
  const lost: string[] = []
  let stopped = false
  const asking = (async () => {
    while (!stopped) {
      const version = await fetch(`${gateway}/v1/completions`, {
        method: 'POST',
        body: JSON.stringify({ prompt: 'The whale', max_tokens: 2 }),
      }).then(
        async (response) => {
          const text = await response.text()
          // Until v1 is live nothing is.
          if (!response.ok && versions.length > 0) lost.push(`${response.status} ${text}`)
          return response.headers.get('beryl-version')
        },
        (error: unknown) => void lost.push(String(error)),
      )
      if (typeof version === 'string' && version !== versions.at(-1)) versions.push(version)
    }
  })()
  return {
    stop: async () => {
      stopped = true
      await asking
      return { versions, lost }
    },
  }
}
