/** Answers in the shapes of OpenAI's API, whole or as the pieces of a stream. */
import type { Request } from './requests.ts'

export type Token = { text: string; bytes: Uint8Array; logProbability: number | null }

export type Piece = { text: string; tokens: readonly Token[]; why: 'length' | 'stop' | null }

export type Usage = { prompt_tokens: number; completion_tokens: number; total_tokens: number }

export type About = { id: string; created: number; model: string }

export function wholeAnswer(about: About, request: Request, piece: Piece, usage: Usage): object {
  const chat = request.kind === 'chat'
  const choice = {
    index: 0,
    ...(chat ? { message: { role: 'assistant', content: piece.text } } : { text: piece.text }),
    logprobs: logProbabilities(request, piece.tokens, 0),
    finish_reason: piece.why,
  }
  return {
    ...about,
    object: chat ? 'chat.completion' : 'text_completion',
    choices: [choice],
    usage,
  }
}

/** @param from characters of the answer before this piece */
export function pieceOfStream(about: About, request: Request, piece: Piece, from: number): object {
  const chat = request.kind === 'chat'
  const choice = {
    index: 0,
    ...(chat ? { delta: piece.text === '' ? {} : { content: piece.text } } : { text: piece.text }),
    logprobs: logProbabilities(request, piece.tokens, from),
    finish_reason: piece.why,
  }
  return { ...about, object: chat ? 'chat.completion.chunk' : 'text_completion', choices: [choice] }
}

/** A chat begins with the role, before there is a word. */
export function firstOfChat(about: About): object {
  const choice = { index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }
  return { ...about, object: 'chat.completion.chunk', choices: [choice] }
}

function logProbabilities(
  { kind, logProbabilities: wanted }: Request,
  tokens: readonly Token[],
  from: number,
): object | null {
  if (!wanted || tokens.length === 0) return null
  if (kind === 'chat')
    return {
      content: tokens.map(({ text, bytes, logProbability }) => ({
        token: text,
        logprob: logProbability,
        bytes: [...bytes],
        top_logprobs: [],
      })),
    }
  let at = from
  return {
    tokens: tokens.map(({ text }) => text),
    token_logprobs: tokens.map(({ logProbability }) => logProbability),
    top_logprobs: null,
    text_offset: tokens.map(({ text }) => (at += text.length) - text.length),
  }
}
