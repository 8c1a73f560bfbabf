/** Who a process is, asked of real ones. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { test } from 'node:test'
import { bootId, identityOf, isAlive } from './identity.ts'

test('a process is alive as long as it runs, and not a moment longer', async () => {
  const child = spawn('sleep', ['60'])
  const identity = identityOf(child.pid!)
  assert.ok(identity)
  assert.equal(isAlive(identity), true)
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
  assert.equal(isAlive(identity), false)
  assert.equal(identityOf(child.pid!), null)
})

test('a zombie is dead', async () => {
  // The second shell never heard of the child that the first one began: that one stays a zombie when it has ended.
  const parent = spawn('sh', ['-c', 'cat <&3 & exec sh -c "echo $!; exec sleep 60"'], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  })
  try {
    const [said] = (await once(parent.stdout!, 'data')) as [Buffer]
    const pid = Number(String(said))
    assert.ok(identityOf(pid))
    ;(parent.stdio[3] as Writable).end()
    const until = performance.now() + 10_000
    while (identityOf(pid) !== null) {
      assert.ok(performance.now() < until, 'it ended')
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(process.kill(pid, 0), 'its pid is still taken')
  } finally {
    const gone = once(parent, 'exit')
    parent.kill('SIGKILL')
    await gone
  }
})

test('after a reboot nobody is who they were, and a pid that was used again is somebody else', () => {
  const me = identityOf(process.pid)!
  assert.equal(me.bootId, bootId())
  assert.equal(isAlive(me), true)
  assert.equal(isAlive({ ...me, bootId: 'another boot' }), false)
  assert.equal(isAlive({ ...me, startTime: `${me.startTime}1` }), false)
})

test('a process whose name holds spaces and parentheses is told like any other', async () => {
  const child = spawn(
    process.execPath,
    ['-e', "process.title = 'a) Z (b'; console.log('named'); setInterval(() => {}, 1000)"],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  try {
    await once(child.stdout, 'data')
    const identity = identityOf(child.pid!)
    assert.ok(identity)
    assert.equal(isAlive(identity), true)
  } finally {
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
})

test('a pid that nobody has is nobody', () => {
  assert.equal(identityOf(0x7fff_fff0), null)
})
