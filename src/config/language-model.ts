/** What only language models are asked, and only where it can be asked. */
import type { CrossProblem } from './cross-problem.ts'
import { gatesOf } from './gates.ts'
import type { ServiceManifest } from './manifest.ts'

/** Scores that read an answer as the API of OpenAI gives it. */
const needOpenai = ['perplexity', 'valid']

export function languageModel(at: string[], service: ServiceManifest): CrossProblem[] {
  const { protocol, environment } = service
  const found: CrossProblem[] = []
  if (environment.ready.model !== undefined && protocol !== 'openai')
    found.push({
      path: [...at, 'environment', 'ready', 'model'],
      message: 'is looked for in /v1/models, which needs `protocol: openai`',
    })
  for (const { path, gate } of gatesOf(service)) {
    if (!('goldenSet' in gate)) continue
    const { score, atLeast, atMost, answer, request } = gate.goldenSet
    const say = (key: string, message: string) =>
      found.push({ path: [...at, ...path, key], message })
    const isPerplexity = score === 'perplexity'
    if (typeof score === 'string' && needOpenai.includes(score) && protocol !== 'openai')
      say('score', `${score} needs \`protocol: openai\``)
    if (isPerplexity && atLeast !== undefined)
      say('atLeast', 'a perplexity is better when it is lower: use atMost')
    if (!isPerplexity && atMost !== undefined)
      say('atMost', 'a score is better when it is higher: use atLeast (atMost is for perplexity)')
    if (isPerplexity && answer !== undefined)
      say('answer', 'perplexity reads log-probabilities, not a value of the answer: leave it out')
    if (isPerplexity && (request.method !== 'POST' || request.path.endsWith('/chat/completions')))
      say('request', 'perplexity is asked of POST /v1/completions: chats have no echo')
    if (protocol === 'openai' && request.method !== 'POST')
      say('request', 'expected POST, as the API of OpenAI has it')
  }
  return found
}
