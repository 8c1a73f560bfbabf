import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = `
const { log } = await import(${JSON.stringify(fileURLToPath(new URL('../src/log.ts', import.meta.url)))})
for (let line = 0; line < 3000; line++) log.info({ text: 'x'.repeat(1000) }, 'a line')
console.error(new Error('something went wrong'))
console.log('something to say')
setTimeout(() => process.exit(7), 20)
`

test(
  'a disk without a byte left for logs ends no process',
  { skip: existsSync('/dev/full') ? false : 'there is no /dev/full here' },
  async () => {
    const full = openSync('/dev/full', 'w')
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', full, full],
    })
    closeSync(full)
    const [code] = (await once(child, 'exit')) as [number | null]
    assert.equal(code, 7)
  },
)
