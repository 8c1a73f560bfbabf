import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gapsOf, movesOf, piecesOf } from './role-times.ts'
import type { Entry, Up } from './role-times.ts'

const up = (release: string, startedAt: number, endedAt: number | null): Up => ({
  spec: { id: `${release}-0`, release, version: `v-${release}`, environment: 'blue' },
  startedAt,
  endedAt,
})
const always = { from: Number.NEGATIVE_INFINITY, to: 1000 }
const said = (
  records: Up[],
  sources: Partial<Parameters<typeof piecesOf>[1]> = {},
  within = always,
) =>
  piecesOf(records, { moves: [], gaps: [], ...sources }, within).map(
    ({ record, from, to, role, addedBy }) => [record.spec.release, from, to, role, addedBy],
  )
const entry = (release: string, at: number, what: Partial<Entry>): Entry => ({
  at,
  release,
  phase: null,
  change: null,
  movedAt: null,
  ...what,
})

test('a replica is a candidate until its switch, then live, and a standby once it was left', () => {
  const moves = [
    { at: 10, live: 'r1', by: 'r1' },
    { at: 100, live: 'r2', by: 'r2' },
  ]
  assert.deepEqual(said([up('r1', 0, 160), up('r2', 60, null)], { moves }), [
    // The first version comes up beside nobody: a single environment would have needed that too.
    ['r1', 0, 10, 'candidate', null],
    ['r1', 10, 100, 'live', null],
    ['r1', 100, 160, 'standby', 'r2'],
    ['r2', 60, 100, 'candidate', 'r2'],
    ['r2', 100, 1000, 'live', null],
  ])
})

test('rolled back: the old one is live again, and what it left is on the account of the release that failed', () => {
  const moves = [
    { at: 0, live: 'r1', by: 'r1' },
    { at: 100, live: 'r2', by: 'r2' },
    { at: 130, live: 'r1', by: 'r2' },
  ]
  assert.deepEqual(said([up('r1', 0, null), up('r2', 50, 150)], { moves }), [
    ['r1', 0, 100, 'live', null],
    ['r1', 100, 130, 'standby', 'r2'],
    ['r1', 130, 1000, 'live', null],
    ['r2', 50, 100, 'candidate', 'r2'],
    ['r2', 100, 130, 'live', null],
    ['r2', 130, 150, 'standby', 'r2'],
  ])
})

test('only what lies within the time that is asked about, and nothing twice', () => {
  const moves = [{ at: 10, live: 'r1', by: 'r1' }]
  assert.deepEqual(said([up('r1', 0, 160), up('r0', 0, 50)], { moves }, { from: 60, to: 90 }), [
    ['r1', 60, 90, 'live', null],
  ])
})

test('a gap is known for what was found again, and unknown for all else', () => {
  const moves = [{ at: 0, live: 'r1', by: 'r1' }]
  const gaps = [{ from: 100, to: 200, known: ['r1-0'] }]
  assert.deepEqual(
    said([up('r1', 0, 300), up('r2', 50, 150), up('r3', 50, null)], { moves, gaps }),
    [
      ['r1', 0, 100, 'live', null],
      ['r1', 100, 200, 'live', null],
      ['r1', 200, 300, 'live', null],
      ['r2', 50, 100, 'candidate', 'r2'],
      ['r2', 100, 150, 'unknown', null],
      ['r3', 50, 100, 'candidate', 'r3'],
      ['r3', 100, 200, 'unknown', null],
      // Started again by Beryl, in the same entry of its journal.
      ['r3', 200, 1000, 'candidate', 'r3'],
    ],
  )
})

test('a gap lies between two runs; a clock that was set back makes none', () => {
  const run = (startedAt: number, lastAt: number) => ({ startedAt, lastAt, known: [] })
  assert.deepEqual(gapsOf([run(0, 10), run(30, 40), run(35, 50)]), [
    { from: 10, to: 30, known: [] },
  ])
  assert.deepEqual(gapsOf([]), [])
})

test('moves are as the gateway stored them; a part of the traffic is none', () => {
  const moves = movesOf(
    [
      entry('r1', 11, { change: 'switch', movedAt: 10 }),
      entry('r1', 12, { phase: 'watching' }),
      entry('r2', 50, { change: 'step', movedAt: 50 }),
      entry('r2', 61, { change: 'switch', movedAt: 60 }),
      entry('r2', 70, { phase: 'rolling-back' }),
      entry('r2', 72, { change: 'rollback', movedAt: 71 }),
      entry('r2', 73, { phase: 'clearing' }),
    ],
    (release) => (release === 'r2' ? 'r1' : null),
  )
  assert.deepEqual(moves, [
    { at: 10, live: 'r1', by: 'r1' },
    { at: 60, live: 'r2', by: 'r2' },
    { at: 71, live: 'r1', by: 'r2' },
  ])
})

test('a move that a crash left unsaid is known by the phase behind it', () => {
  const moves = movesOf(
    [
      entry('r1', 12, { phase: 'watching' }),
      entry('r2', 62, { phase: 'watching' }),
      entry('r2', 70, { phase: 'rolling-back' }),
      entry('r2', 73, { phase: 'clearing' }),
    ],
    (release) => (release === 'r2' ? 'r1' : null),
  )
  assert.deepEqual(moves, [
    { at: 12, live: 'r1', by: 'r1' },
    { at: 62, live: 'r2', by: 'r2' },
    { at: 73, live: 'r1', by: 'r2' },
  ])
})
