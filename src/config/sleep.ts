/** `environment.sleep`: how a server is asked to leave its accelerator, and to come back. One entry for each kind, as documented. */
import { resolve } from 'node:path'
import { z } from 'zod'
import type { CrossProblem } from './cross-problem.ts'
import type { ServiceManifest } from './manifest.ts'
import { programThere } from './not-there.ts'
import { duration } from './units.ts'
import { named, path } from './words.ts'

/** For each of its calls; weights are read from memory or from disk. */
const within = duration.default(120)

/** Program and arguments, without a shell; placeholders as in `command`. */
const program = z.tuple([named], z.string())

export const sleep = z.discriminatedUnion('by', [
  /** https://docs.vllm.ai/en/latest/features/sleep_mode/ */
  z.strictObject({ by: z.literal('vllm'), level: z.literal([1, 2]).default(1), within }),
  /** https://docs.sglang.io/docs/advanced_features/sglang_for_rl.md */
  z.strictObject({ by: z.literal('sglang'), within }),
  /** Model repository extension of the KServe V2 protocol (Triton, MLServer). */
  z.strictObject({ by: z.literal('kserve-v2'), model: named, within }),
  /** Router mode (started without a model). https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md */
  z.strictObject({ by: z.literal('llama.cpp'), model: named, within }),
  /** https://github.com/ollama/ollama/blob/main/docs/api.md */
  z.strictObject({ by: z.literal('ollama'), model: named, within }),
  /** Any server, by a program each: exit code 0, or it did not. `{pid}`, `{host}` and `{port}` are the replica's. */
  z.strictObject({ by: z.literal('commands'), down: program, up: program, within }),
  /** Any server: one POST each. */
  z.strictObject({ by: z.literal('paths'), sleep: path, wake: path, within }),
])

export type SleepManifest = z.output<typeof sleep>
type Call = { method: 'GET' | 'POST'; path: string; body?: string; until?: 'refused' }
/** Placeholders are not filled in yet. */
type Run = { run: string[] }

export type Sleeping = {
  down: (Call | Run)[]
  up: (Call | Run)[]
  withinS: number
  /** What clients must not reach: whoever can, puts a server to sleep. Each with all that lies under it. */
  hidden: string[]
}

/** @param version fills in {version} in the name of a model */
export function sleepOf(asked: SleepManifest, version: string): Sleeping {
  const named_ = 'model' in asked ? { model: asked.model.replaceAll('{version}', version) } : {}
  return { ...callsOf({ ...asked, ...named_ }), withinS: asked.within }
}

function callsOf(asked: SleepManifest): Omit<Sleeping, 'withinS'> {
  const post = (target: string, body?: object): Call => ({
    method: 'POST',
    path: target,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  switch (asked.by) {
    case 'vllm': {
      // What its developer mode opens beside them.
      const hidden = ['/sleep', '/wake_up', '/is_sleeping', '/collective_rpc', '/server_info']
      const caches = ['/reset_prefix_cache', '/reset_mm_cache']
      // Level 2 forgets the weights: there must be room for them first, and they are read again before the caches come.
      const again = [
        post('/wake_up?tags=weights'),
        post('/collective_rpc', { method: 'reload_weights' }),
        post('/wake_up?tags=kv_cache'),
      ]
      return {
        down: [post(`/sleep?level=${asked.level}`)],
        up: asked.level === 1 ? [post('/wake_up')] : again,
        hidden: [...hidden, ...caches],
      }
    }
    case 'sglang': {
      const [release, resume] = ['/release_memory_occupation', '/resume_memory_occupation']
      return { down: [post(release, {})], up: [post(resume, {})], hidden: [release, resume] }
    }
    case 'kserve-v2': {
      const at = `/v2/repository/models/${encodeURIComponent(asked.model)}`
      return { down: [post(`${at}/unload`)], up: [post(`${at}/load`)], hidden: ['/v2/repository'] }
    }
    case 'llama.cpp': {
      // `/models/unload` answers before it has left memory, `/models/load` before it is loaded; a request is answered once it is, and loads it by itself.
      const again = { model: asked.model, prompt: 'a', max_tokens: 1 }
      const left = `${loadedPath(asked.model)}&autoload=false`
      return {
        down: [
          post('/models/unload', { model: asked.model }),
          { method: 'GET', path: left, until: 'refused' },
        ],
        up: [post('/v1/completions', again)],
        hidden: ['/models'],
      }
    }
    case 'ollama':
      // Without a prompt it loads, or with `keep_alive: 0` unloads; clients come by /v1.
      return {
        down: [post('/api/generate', { model: asked.model, keep_alive: 0 })],
        up: [post('/api/generate', { model: asked.model, keep_alive: -1 })],
        hidden: ['/api'],
      }
    case 'commands':
      return { down: [{ run: asked.down }], up: [{ run: asked.up }], hidden: [] }
    case 'paths':
      return {
        down: [post(asked.sleep)],
        up: [post(asked.wake)],
        hidden: [asked.sleep, asked.wake].map((one) => one.split('?')[0]!),
      }
  }
}

/** Of llama.cpp's router: loads the model, and answers 2xx once it is loaded. */
function loadedPath(model: string): string {
  return `/props?model=${encodeURIComponent(model)}`
}

/** Kinds that no real server was run against: said by `validate`, and in the docs. */
const experimental: readonly SleepManifest['by'][] = ['vllm', 'sglang', 'ollama']

export function experimentalIn(name: string, { environment }: ServiceManifest): string[] {
  const by = environment.sleep?.by
  if (by === undefined || !experimental.includes(by)) return []
  return [
    `${name}: environment.sleep by ${by} is experimental: built from its documentation, not run against a real one`,
  ]
}

/** Programs that are run once in weeks should not be missing then. */
export async function sleepPrograms(
  at: string[],
  { environment }: ServiceManifest,
  directory: string,
): Promise<CrossProblem[]> {
  const { sleep: asked } = environment
  if (asked?.by !== 'commands') return []
  const base = environment.provider === 'process' ? environment.directory : '.'
  const found = (['down', 'up'] as const).map((which) =>
    programThere([...at, 'environment', 'sleep', which], asked[which][0], resolve(directory, base)),
  )
  return (await Promise.all(found)).flat()
}

/** A rung that nobody knows how to reach, and calls that a server does not have. */
export function asleep(
  at: string[],
  { environment, standby, ladderAt }: ServiceManifest,
): CrossProblem[] {
  const found: CrossProblem[] = standby.flatMap((rung, index) =>
    'asleep' in rung && environment.sleep === undefined
      ? [
          {
            path: [...at, ...ladderAt, index, 'asleep'],
            message: `how its servers sleep is not said: give environment.sleep${looksLike(environment)}`,
          },
        ]
      : [],
  )
  const by = environment.sleep
  if (by?.by === 'llama.cpp' && environment.ready.path !== loadedPath(by.model))
    found.push({
      path: [...at, 'environment', 'ready', 'path'],
      message: `llama.cpp's router answers before any model is loaded, /health too: expected ${loadedPath(by.model)}, which loads it (one name for all versions, which clients ask for whichever is live)`,
    })
  if (environment.provider !== 'process' || by?.by !== 'vllm') return found
  const { command, env } = environment
  if (env['VLLM_SERVER_DEV_MODE'] !== '1' || !command.includes('--enable-sleep-mode'))
    found.push({
      path: [...at, 'environment', 'sleep'],
      message:
        'vLLM has its sleep calls only with --enable-sleep-mode in the command and VLLM_SERVER_DEV_MODE: "1" in env',
    })
  return found
}

/** What the command says of it. */
const known: readonly [sign: string, name: string, sleep: string][] = [
  ['vllm', 'vLLM', '{ by: vllm }'],
  ['sglang', 'SGLang', '{ by: sglang }'],
  ['tritonserver', 'Triton', '{ by: kserve-v2, model: NAME }'],
  ['mlserver', 'MLServer', '{ by: kserve-v2, model: NAME }'],
  ['llama-server', 'llama.cpp', '{ by: llama.cpp, model: NAME }'],
  ['ollama', 'Ollama', '{ by: ollama, model: NAME }'],
]

function looksLike(environment: ServiceManifest['environment']): string {
  if (environment.provider !== 'process') return ''
  const words = environment.command.map((one) => one.split('/').at(-1)!.split('.')[0]!)
  const found = known.find(([sign]) => words.includes(sign))
  return found === undefined ? '' : `; it looks like ${found[1]}: sleep: ${found[2]}`
}
