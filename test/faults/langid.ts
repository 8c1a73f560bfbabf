/** What the stories of faults share: a Beryl before the real language classifier, versions that differ in their faults, clients that know the truth. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mkdtempSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ReleaseView } from '../../src/api/shapes.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'

export const inject = fileURLToPath(new URL('inject.mjs', import.meta.url))
const server = fileURLToPath(new URL('../../examples/langid/server.ts', import.meta.url))
const trainer = fileURLToPath(new URL('../../examples/langid/train.ts', import.meta.url))
const goldenFile = new URL('../../examples/langid/data/golden.jsonl', import.meta.url)

/** As FAULT of inject.mjs. */
export type Fault = Record<string, unknown>
export type Sentence = { request: { text: string }; expected: string }

const sentences = readFileSync(goldenFile, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Sentence)

/** @param service lines under `services.tiny`, indented by four spaces */
export async function langid(
  faults: Record<string, Fault>,
  { replicas, service }: { replicas: number; service: string },
) {
  const models = mkdtempSync(join(tmpdir(), 'beryl-langid-'))
  execFileSync(process.execPath, [trainer, models])
  const versions = Object.entries(faults).map(
    ([name, fault]) =>
      `      ${name}: { model: ${join(models, 'v2')}, env: { FAULT: ${JSON.stringify(JSON.stringify(fault))}, RELEASE: ${name} } }`,
  )
  const beryl = await startBeryl({
    models: {},
    // A tenth of them, all languages: what gates can see is told elsewhere.
    goldenLines: sentences.filter((_, index) => index % 13 === 0),
    manifest: `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0, workers: 1 }
api: { listen: 127.0.0.1:0 }
services:
  tiny:
    protocol: json
    environment:
      provider: process
      command: [${process.execPath}, --import, ${inject}, ${server}, --model, '{model}', --port, '{port}']
      replicas: ${replicas}
      ready: { path: /healthz, within: 20s }
      alive: { path: /healthz, every: 2s, timeout: 2s, failures: 3 }
      stop: { grace: 1s }
    versions:
${versions.join('\n')}
    verify:
      - goldenSet: { file: golden.jsonl, request: { path: /classify }, answer: $.language, atLeast: 0.95, noWorseBy: 0.05 }
${service}`,
  })
  return {
    beryl,
    async stop() {
      const code = await beryl.stop()
      rmSync(models, { recursive: true })
      return code
    },
  }
}

export type Clients = ReturnType<typeof clientsOf>

/** An open loop: a slow version is asked no less. @param judges says of each answer whether it was right, as people would */
export function clientsOf(
  beryl: Running,
  { perSecond, judges = false }: { perSecond: number; judges?: boolean },
) {
  const agent = new Agent({ keepAlive: true })
  const answers: Record<string, number> = {}
  const bad: Record<string, number> = {}
  let nth = 0
  const open = new Set<Promise<void>>()
  const timer = setInterval(() => {
    const asked = ask(sentences[(nth++ * 7) % sentences.length]!).catch(() => {})
    open.add(asked)
    void asked.finally(() => open.delete(asked))
  }, 1000 / perSecond)
  return {
    answers,
    bad,
    async stop() {
      clearInterval(timer)
      await Promise.all(open)
      agent.destroy()
    },
  }

  async function ask({ request: body, expected }: Sentence): Promise<void> {
    const { version, requestId, text, status } = await post(`${beryl.gateway}/classify`, body)
    answers[version] = (answers[version] ?? 0) + 1
    if (status >= 500) return
    const isRight = text.includes(`"language":"${expected}"`)
    if (!isRight) bad[version] = (bad[version] ?? 0) + 1
    const value = isRight ? 'up' : 'down'
    if (judges) await beryl.api('POST', '/feedback', { requestId, kind: 'thumbs', value })
  }

  function post(url: string, body: object) {
    const text = JSON.stringify(body)
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    }
    return new Promise<{ version: string; requestId: string; text: string; status: number }>(
      (resolve, reject) => {
        const sent = request(url, { method: 'POST', agent, headers }, (incoming) => {
          let said = ''
          incoming.setEncoding('utf8')
          incoming.on('error', reject)
          incoming.on('data', (chunk: string) => (said += chunk))
          incoming.on('end', () =>
            resolve({
              version: String(incoming.headers['beryl-version'] ?? ''),
              requestId: String(incoming.headers['beryl-request-id'] ?? ''),
              text: said,
              status: incoming.statusCode ?? 0,
            }),
          )
        })
        sent.on('error', reject)
        sent.end(text)
      },
    )
  }
}

const storyMs = 90_000

/** @returns the release once it is in one of the phases */
export async function until(
  beryl: Running,
  id: string,
  ...phases: ReleaseView['phase'][]
): Promise<ReleaseView> {
  let last: ReleaseView | null = null
  const over = ['finished', 'rejected', 'aborted', 'rolled-back']
  await eventually(
    async () => [...phases, ...over].includes((last = await beryl.release(id)).phase),
    () =>
      `${id} to be ${phases.join(' or ')}; it is ${last?.phase}: ${last?.waitingFor ?? last?.because}`,
    storyMs,
  )
  const { phase, because } = last!
  assert.ok(phases.includes(phase), `${id} is ${phase}, not ${phases.join(' or ')}: ${because}`)
  return last!
}

/** One line for people: what was done, how soon, and by what. @param lateMs the fault began so long after the switch */
export function tellRollback(
  fault: string,
  release: ReleaseView,
  clients: Clients,
  lateMs = 0,
): void {
  const { detectMs, why } = release.rolledBack!
  const seconds = ((detectMs - lateMs) / 1000).toFixed(1)
  const count = clients.answers[release.version] ?? 0
  console.log(
    `${fault}: rolled back ${seconds} s after it began, ${count} answers; ${why.slice(0, 110)}`,
  )
}
