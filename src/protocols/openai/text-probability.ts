/**
 * How probable does a model find a given text? Asked of `/v1/completions` with `echo` and `logprobs`, which answers the
 * log-probability of each token of the prompt (OpenAI's completions API; vLLM since 0.2.4). One token is written because
 * vLLM refuses to write none (vllm-project/vllm#9336), and is not counted. Servers without `echo` cannot be asked.
 */

export type TextProbability = {
  /** Of all counted tokens together; nats, never above 0. */
  logProbability: number
  tokens: number
}

/** @param request a body for `/v1/completions` @param expected what comes after its prompt */
export function probabilityRequest(
  request: Record<string, unknown>,
  expected: string,
): Record<string, unknown> {
  return {
    ...request,
    prompt: `${String(request['prompt'])}${expected}`,
    echo: true,
    logprobs: 1,
    max_tokens: 1,
    temperature: 0,
    stream: false,
  }
}

/**
 * Counts the tokens that begin within the expected text. What the given text cost is not counted.
 * @returns why it cannot be told, where the server leaves out what is needed: nothing is assumed
 */
export function textProbability(
  answer: Record<string, unknown>,
  { given, expected }: { given: string; expected: string },
): TextProbability | { missing: string } {
  const { text_offset: offsets, token_logprobs: values } = logprobsOf(answer)
  if (!Array.isArray(offsets) || !Array.isArray(values) || offsets.length !== values.length)
    return { missing: 'it gives no logprobs with text_offset and token_logprobs' }
  // Offsets are in characters, as people count them; JavaScript counts UTF-16.
  const from = lengthOf(given)
  const until = from + lengthOf(expected)
  const counted = values.filter((_, index) => offsets[index] >= from && offsets[index] < until)
  // The very first token follows nothing, and has no probability.
  const known = counted.filter((value, index) => !(value === null && index === 0 && from === 0))
  if (known.length === 0 || !known.every(isLogProbability))
    return { missing: 'it does not give the log-probabilities of the prompt' }
  return {
    logProbability: known.reduce((sum, value) => sum + value, 0),
    tokens: known.length,
  }
}

function logprobsOf(answer: Record<string, unknown>): Record<string, unknown> {
  const { choices } = answer
  const first: unknown = Array.isArray(choices) ? choices[0] : null
  const logprobs =
    typeof first === 'object' && first !== null && 'logprobs' in first ? first.logprobs : null
  return typeof logprobs === 'object' && logprobs !== null
    ? (logprobs as Record<string, unknown>)
    : {}
}

function isLogProbability(value: unknown): value is number {
  return typeof value === 'number' && value <= 0 && Number.isFinite(value)
}

function lengthOf(text: string): number {
  return text.replaceAll(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g, '_').length
}
