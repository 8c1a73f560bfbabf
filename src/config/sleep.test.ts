/** Each sleeper's calls, as its documentation has them, and what clients must not reach. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sleep, sleepOf } from './sleep.ts'

const callsOf = (asked: object) => {
  const { down, up, hidden } = sleepOf(sleep.parse(asked), 'v7')
  const text = (step: (typeof down)[number]) =>
    'run' in step ? step.run.join(' ') : `${step.path} ${step.body ?? step.until ?? ''}`.trim()
  return { down: down.map(text), up: up.map(text), hidden }
}

test('llama.cpp in router mode: unloaded by name until it has left, and loaded by the first request', () => {
  assert.deepEqual(callsOf({ by: 'llama.cpp', model: 'org/tiny' }), {
    down: ['/models/unload {"model":"org/tiny"}', '/props?model=org%2Ftiny&autoload=false refused'],
    up: ['/v1/completions {"model":"org/tiny","prompt":"a","max_tokens":1}'],
    hidden: ['/models'],
  })
})

test('Ollama: an empty prompt loads, and unloads where nothing is kept alive', () => {
  assert.deepEqual(callsOf({ by: 'ollama', model: 'tiny:{version}' }), {
    down: ['/api/generate {"model":"tiny:v7","keep_alive":0}'],
    up: ['/api/generate {"model":"tiny:v7","keep_alive":-1}'],
    hidden: ['/api'],
  })
})

test('a model of the V2 repository may be named by its version, too', () => {
  const { down } = callsOf({ by: 'kserve-v2', model: 'tiny-{version}' })
  assert.deepEqual(down, ['/v2/repository/models/tiny-v7/unload'])
})

test('programs are taken as they are, and hide nothing from clients', () => {
  const asked = { by: 'commands', down: ['cuda-checkpoint', '--pid', '{pid}'], up: ['./wake'] }
  assert.deepEqual(callsOf(asked), {
    down: ['cuda-checkpoint --pid {pid}'],
    up: ['./wake'],
    hidden: [],
  })
})
