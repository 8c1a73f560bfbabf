/** What is printed in columns: aligned whatever is in them, and without colours where they are not wanted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paint, table } from './output.ts'

/** As if standard output were a terminal. */
function onTerminal<Result>(noColour: string, act: () => Result): Result {
  const { isTTY } = process.stdout
  const before = process.env['NO_COLOR']
  process.stdout.isTTY = true
  process.env['NO_COLOR'] = noColour
  try {
    return act()
  } finally {
    process.stdout.isTTY = isTTY
    if (before === undefined) delete process.env['NO_COLOR']
    else process.env['NO_COLOR'] = before
  }
}

test('columns are as wide as their widest cell, also where it is longer than anybody thought', () => {
  const rows = [
    ['r1', 'v1', 'live'],
    ['r1000', 'a-version-with-a-long-name', ''],
    ['r2', 'häß'],
  ]
  const lines = [
    'id     version                     now',
    'r1     v1                          live',
    'r1000  a-version-with-a-long-name',
    'r2     häß',
  ]
  assert.deepEqual(table(rows, ['id', 'version', 'now']), lines)
  assert.deepEqual(table([], ['id']), [])
})

test('on a terminal colours move no column, NO_COLOR leaves them out, and a pipe has the same text', () => {
  const rows = () =>
    table(
      [
        [paint('green', 'pass'), 'x'],
        ['undecided', 'y'],
      ],
      ['verdict', 'gate'],
    )
  const piped = rows()
  assert.deepEqual(piped, ['verdict    gate', 'pass       x', 'undecided  y'])
  assert.deepEqual(onTerminal('1', rows), piped)
  const coloured = onTerminal('', rows)
  assert.equal(coloured[1], '\u001b[32mpass\u001b[39m       x')
})
