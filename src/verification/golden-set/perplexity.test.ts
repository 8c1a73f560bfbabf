import assert from 'node:assert/strict'
import { test } from 'node:test'
import { near } from '../../statistics/testing/near.ts'
import { perplexityOf, timesAsHigh } from './perplexity.ts'

const text = (logProbability: number, tokens: number) => ({ logProbability, tokens })

test('the perplexity of many texts is that of all their tokens, with the spread of the texts', () => {
  const { value, interval95, standardError } = perplexityOf([text(-6, 2), text(-4, 2), text(-5, 2)])
  near(value, 12.182494)
  near(standardError, 0.288675)
  near(interval95[0], 6.918556)
  near(interval95[1], 21.451464)
})

test('long texts count for more: it is no mean of perplexities', () => {
  near(perplexityOf([text(-1, 1), text(-30, 10)]).value, Math.exp(31 / 11))
})

test('one text has no spread, and so no end to what may be chance', () => {
  assert.equal(perplexityOf([text(-6, 2)]).standardError, Infinity)
})

test('a tokenizer that cuts the same text into more tokens wins nothing by it', () => {
  // The same probability of the same texts, in twice as many tokens.
  const pairs = [-6, -4, -5].map((nats) => [text(nats, 4), text(nats, 2)] as const)
  near(timesAsHigh(pairs).value, 1)
  near(perplexityOf(pairs.map(([first]) => first)).value, Math.exp(1.25))
})

test('how many times as high is told of the same texts, so that hard texts are hard for both', () => {
  const pairs = [-60, -4, -25].map((nats) => [text(nats - 0.2, 4), text(nats, 2)] as const)
  const { value, interval95 } = timesAsHigh(pairs)
  near(value, Math.exp(0.1))
  near(interval95[1], Math.exp(0.1))
})
