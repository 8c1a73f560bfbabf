/** The terminal is given back as it was, whatever ends it; and what is shown stays in its lines. */
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { complete } from './complete.ts'
import { fullScreen } from './full-screen.ts'
import { harmless } from './output.ts'
import { programOf } from './program.ts'
import { fitted } from './watch-screen.ts'

function terminal() {
  const written: string[] = []
  const output = Object.assign(new EventEmitter(), {
    columns: 40,
    rows: 5,
    write: (text: string) => written.push(text),
  })
  const input = Object.assign(new EventEmitter(), {
    isTTY: true,
    raw: false,
    setRawMode(on: boolean) {
      input.raw = on
      return input as never
    },
    resume: () => input as never,
    pause: () => input as never,
  })
  return { output, input, written, screen: fullScreen(output, input as never) }
}

const left = '\u001b[?25h\u001b[?1049l'

for (const [what, end] of [
  ['q', ({ input }) => input.emit('data', Buffer.from('q'))],
  ['Ctrl-C', ({ input }) => input.emit('data', Buffer.from('\u0003'))],
  ['SIGTERM', () => process.emit('SIGTERM')],
  ['SIGHUP', () => process.emit('SIGHUP')],
] as [string, (one: ReturnType<typeof terminal>) => void][])
  test(`${what} ends it, and the terminal is as it was`, async () => {
    const before = process.listenerCount('SIGTERM')
    const one = terminal()
    assert.match(one.written[0]!, /\[\?1049h/)
    assert.equal(one.input.raw, true)
    end(one)
    await one.screen.over
    one.screen.close()
    one.screen.close()
    assert.deepEqual(one.written.slice(1), [left])
    assert.equal(one.input.raw, false)
    assert.equal(process.listenerCount('SIGTERM'), before)
  })

test('what is the same is not drawn again; a terminal of another size gets all of it anew, and no more lines than it has', () => {
  const { screen, output, written } = terminal()
  const draw = () =>
    screen.draw(({ columns, rows }) =>
      Array.from({ length: 9 }, (_, at) => `${at} ${columns} ${rows}`),
    )
  screen.resized(draw)
  draw()
  draw()
  assert.equal(written.length, 2)
  assert.equal(written[1]!.split('\n').length, 5)
  Object.assign(output, { columns: 10, rows: 2 })
  output.emit('resize')
  assert.equal(written.length, 3)
  assert.match(written[2]!, /0 10 2.*\n1 10 2/s)
  screen.close()
  draw()
  assert.equal(written.at(-1), left)
})

test('what a model wrote moves no cursor and rings no bell; lines and colours stay', () => {
  assert.equal(harmless('a\u001b[2Jb\u0007c\r\nd\u009b31m'), 'a�[2Jb�c�\nd�31m')
  assert.equal(harmless('\u001b[31mred\u001b[39m'), '\u001b[31mred\u001b[39m')
  assert.equal(fitted('\u001b[31m0123456789\u001b[39m', 5), '0123…')
  assert.equal(fitted('01234', 5), '01234')
})

test('completion knows commands, options, actions, and nothing where no Beryl runs', async () => {
  const program = programOf([], () => async () => {})
  const after = (...words: string[]) => complete(program, words)
  assert.deepEqual(await after('de'), ['demo', 'deploy'])
  assert.deepEqual(await after('rollback', '--h'), ['--hard'])
  assert.deepEqual(await after('token', ''), ['create', 'list', 'revoke'])
  assert.deepEqual(await after('completion', 'z'), ['zsh'])
  process.env['BERYL_DATA'] = '/nowhere'
  assert.deepEqual(await after('deploy', ''), [])
  assert.deepEqual(await after('no-such-command', ''), [])
})
