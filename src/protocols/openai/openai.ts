/** The API of OpenAI, as vLLM and others have it: completions and chats (whole or streamed), and embeddings. */
import { isObject, jsonIn, pathOf } from '../protocol.ts'
import type { Heard, Protocol, Understood } from '../protocol.ts'
import { readAnswer, wrongWith } from './answer.ts'

export const openai: Protocol = {
  read(heard, asked) {
    const path = pathOf(asked)
    if (path.endsWith('/embeddings')) return embeddings(heard)
    if (!asked.writes && !path.endsWith('/completions')) return other(heard)
    const read = readAnswer(heard.pieces, asked.streamed)
    if ('failure' in read) return read
    const { text, whole, firstTokenMs } = read.answer
    return { value: text, whole, firstTokenMs, wrong: wrongWith(read.answer) }
  },
  wrongRequest: (body) =>
    isObject(body) ? null : '"request" must be an object, as the API of OpenAI takes it',
}

/** `value` is the vector of one input, or the list of those of several. Base64 (`encoding_format`) stays a text. */
function embeddings({ body }: Heard): Understood | { failure: string } {
  const whole = jsonIn(body)
  if (!isObject(whole) || !Array.isArray(whole['data']))
    return { failure: 'the answer has no list of embeddings in "data"' }
  const vectors = whole['data'].map((one: unknown) => (isObject(one) ? one['embedding'] : null))
  const wrong = vectors.length === 0 ? 'it has no embedding' : wrongVectors(vectors)
  return {
    value: vectors.length === 1 ? vectors[0] : vectors,
    whole,
    firstTokenMs: null,
    wrong: wrong === null ? null : `the answer is no list of embeddings: ${wrong}`,
  }
}

function wrongVectors(vectors: readonly unknown[]): string | null {
  const sizes = new Set<number>()
  for (const vector of vectors) {
    if (typeof vector === 'string' && vector !== '') continue
    if (!Array.isArray(vector) || vector.length === 0) return 'one is no list of numbers'
    if (!vector.every((one) => typeof one === 'number')) return 'one has what is no number in it'
    sizes.add(vector.length)
  }
  return sizes.size > 1 ? `they are of ${[...sizes].join(' and ')} numbers` : null
}

/** Lists of models, tokenizers and what else a server has. */
function other({ body }: Heard): Understood {
  const whole = jsonIn(body)
  return { value: whole ?? body, whole, firstTokenMs: null, wrong: null }
}
