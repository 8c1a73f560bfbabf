import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guessesFrom } from './guesses.ts'

test('ten wrong ones lock an address, and no other, until a minute after the last of them', () => {
  let now = 0
  const guesses = guessesFrom(() => now)
  for (let guess = 0; guess < 9; guess++) guesses.wrong('a')
  assert.equal(guesses.waitS('a'), 0)
  guesses.wrong('a')
  assert.equal(guesses.waitS('a'), 60)
  assert.equal(guesses.waitS('b'), 0)
  now = 59_500
  assert.equal(guesses.waitS('a'), 1)
  now = 60_000
  assert.equal(guesses.waitS('a'), 0)
})

test('a right one forgets the wrong ones before it', () => {
  const guesses = guessesFrom(() => 0)
  for (let guess = 0; guess < 9; guess++) guesses.wrong('a')
  guesses.right('a')
  for (let guess = 0; guess < 9; guess++) guesses.wrong('a')
  assert.equal(guesses.waitS('a'), 0)
})

test('however many addresses guess, only the last thousand are remembered', () => {
  const guesses = guessesFrom(() => 0)
  for (let guess = 0; guess < 10; guess++) guesses.wrong('first')
  for (let address = 0; address < 1000; address++) guesses.wrong(`${address}`)
  assert.equal(guesses.waitS('first'), 0)
})
