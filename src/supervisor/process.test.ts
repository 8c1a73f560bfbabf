/** A process is started, and kept, on a disk that takes nothing more: it is written down once there is room. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dataDirectory } from '../ipc/data-directory.ts'
import { readIdentity } from '../ipc/identity.ts'
import { endProcess, startProcess } from './process.ts'

test(
  'a full disk ends nobody who keeps processes running',
  { skip: existsSync('/dev/full') ? false : 'there is no /dev/full here' },
  async (context) => {
    const root = mkdtempSync(join(tmpdir(), 'beryl-process-'))
    const file = join(root, 'examiner.process.json')
    symlinkSync('/dev/full', file)
    const config = JSON.stringify({ dataDirectory: root })
    const started = startProcess(
      {
        role: 'examiner',
        directory: dataDirectory(root),
        env: () => ({ BERYL_EXAMINER: config }),
        inherit: () => [],
      },
      file,
    )
    context.after(async () => {
      await endProcess(started, 5000)
      rmSync(root, { recursive: true })
    })
    assert.notEqual(started.identity, null)
    assert.equal(started.exit(), null)
    rmSync(file)
    while (readIdentity(file)?.pid !== started.identity!.pid)
      await new Promise((resolve) => setTimeout(resolve, 20))
  },
)
