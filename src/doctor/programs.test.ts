import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { manifest } from '../config/manifest.ts'
import type { Finding } from './finding.ts'
import { programFindings } from './programs.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-programs-'))
after(() => rmSync(directory, { recursive: true, force: true }))
writeFileSync(join(directory, 'serve'), '#!/bin/sh\n', { mode: 0o755 })
writeFileSync(join(directory, 'not-executable'), '#!/bin/sh\n', { mode: 0o644 })
writeFileSync(join(directory, 'model.bin'), 'weights')

function looked(environment: object, { slots = [] as number[], versions = {} } = {}) {
  const parsed = manifest.parse({
    apiVersion: 'beryl/v1',
    services: {
      tiny: {
        environment: { provider: 'process', command: ['./serve'], ...environment },
        versions: { v1: {}, ...versions },
      },
    },
  })
  return programFindings(parsed, { directory, slots }).map(whole)
}

function whole(finding: Finding): string {
  const fix = finding.level === 'ok' ? '' : ` → ${finding.fix}`
  return `${finding.level} ${finding.check}: ${finding.said}${fix}`
}

test('a command is found where the replica would find it', () => {
  assert.deepEqual(looked({}), [`ok command: tiny: ${join(directory, 'serve')}`])
  assert.deepEqual(looked({ command: ['serve'], env: { PATH: `/nowhere:${directory}` } }), [
    `ok command: tiny: ${join(directory, 'serve')}`,
  ])
  assert.match(looked({ command: ['sh'] })[0]!, /^ok command: tiny: \/.*\/sh$/)
})

test('what starts a replica on spot capacity, and what asks whether it is taken away, are looked for too', () => {
  const notice = { run: ['sh', '-c', 'exit 1'] }
  const [own, spot, asks] = looked({ spot: { candidate: true, command: ['no-srun'], notice } })
  assert.match(own!, /^ok command/)
  assert.match(spot!, /^problem command: tiny: no "no-srun" on PATH → .*environment\.spot\.command/)
  assert.match(asks!, /^ok command: tiny: \/.*\/sh$/)
})

test('a command that is not there, or may not be run, is a problem that says where it was looked for', () => {
  assert.match(
    looked({ command: ['no-such-server'] })[0]!,
    /^problem command: tiny: no "no-such-server" on PATH → install it, or give its whole path in services\.tiny\.environment\.command/,
  )
  assert.match(
    looked({ command: ['./nothing'] })[0]!,
    /^problem command: tiny: there is no "\.\/nothing" in .* → put it there/,
  )
  assert.match(
    looked({ command: ['./not-executable'] })[0]!,
    /^problem command: .*may not be executed by this user → chmod \+x .*not-executable$/,
  )
})

test('a file of a version that may not be read is a problem; that it exists is the manifest’s own check', (t) => {
  assert.equal(looked({}, { versions: { v2: { model: './missing.bin' } } }).length, 1)
  if (process.getuid?.() === 0) return t.skip('root may read everything')
  chmodSync(join(directory, 'model.bin'), 0)
  assert.match(
    looked({}, { versions: { v2: { model: './model.bin' } } })[1]!,
    /^problem files: tiny v2: model cannot be read: .* → .*chmod/,
  )
})

test('too few GPU slots for live is a problem, for live and a candidate a warning', () => {
  const environment = { gpus: 1, replicas: 2 }
  assert.match(
    looked(environment)[1]!,
    /^problem gpus: the live versions of all services need 2 GPU slots, and BERYL_GPUS .* names none → start Beryl with BERYL_GPUS=0,1,2,3/,
  )
  assert.match(
    looked(environment, { slots: [0, 1, 2] })[1]!,
    /^warning gpus: 2 GPU slots .* up to 2 more for a candidate .* names 0, 1, 2 → start Beryl with BERYL_GPUS=0,1,2,3/,
  )
  assert.match(looked(environment, { slots: [0, 1, 2, 3] })[1]!, /^ok gpus/)
})
