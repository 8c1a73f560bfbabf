/**
 * `npm run bench:idle`: what an idle Beryl with one service costs. Memory is the proportional set size of its processes
 * (pages shared with others are shared out; where the kernel does not say, resident), CPU is user and system time per second of
 * waiting. The model servers are the user's own and stand on a line of their own. Linux only: it reads /proc.
 * Exits 1 when the goal is missed.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { readIdentity } from '../src/ipc/identity.ts'
import { golden, startBeryl } from '../test/support/beryl.ts'

const goalMb = 300
/** "No measurable CPU": below one percent of one core. */
const goalCpu = 0.01
const settleMs = 5000
const watchMs = 20_000
const ticksPerSecond = 100

// A checkout's very first start compiles its TypeScript, and keeps the result; what is measured is every later one.
await (await startBeryl({ models: { v1: { answer: 'one' } } })).stop()
const beryl = await startBeryl({ models: { v1: { answer: 'one' } }, goldenLines: golden(40) })
try {
  await beryl.deployed('v1')
  await wait(settleMs)
  const own = Object.entries({
    supervisor: JSON.parse(readFileSync(`${beryl.data}/running.json`, 'utf8')).pid as number,
    ...Object.fromEntries(
      (['gateway', 'controller', 'examiner'] as const).map((role) => [
        role,
        readIdentity(`${beryl.data}/${role}.process.json`)!.pid,
      ]),
    ),
  })
  const { environments } = await beryl.service()
  const models = [...environments.blue.replicas, ...environments.green.replicas].map(
    ({ pid }) => pid!,
  )
  const before = new Map(own.map(([, pid]) => [pid, cpuTicks(pid)]))
  await wait(watchMs)
  console.log(`process        memory MB   CPU % of one core (over ${watchMs / 1000} s)`)
  let memory = 0
  let cpu = 0
  for (const [name, pid] of own) {
    const used = (cpuTicks(pid) - before.get(pid)!) / ticksPerSecond / (watchMs / 1000)
    const mb = memoryMb(pid)
    memory += mb
    cpu += used
    console.log(
      `${name.padEnd(14)} ${mb.toFixed(1).padStart(9)} ${(used * 100).toFixed(2).padStart(8)}`,
    )
  }
  console.log(
    `${'Beryl in all'.padEnd(14)} ${memory.toFixed(1).padStart(9)} ${(cpu * 100).toFixed(2).padStart(8)}`,
  )
  console.log(
    `(model server  ${models
      .reduce((sum, pid) => sum + memoryMb(pid), 0)
      .toFixed(1)
      .padStart(9)})`,
  )
  const missed = memory > goalMb || cpu > goalCpu
  console.log(`goal: under ${goalMb} MB and ${goalCpu * 100} %: ${missed ? 'MISSED' : 'held'}`)
  process.exitCode = missed ? 1 : 0
} finally {
  await beryl.stop()
}

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  // utime and stime, proc(5) fields 14 and 15; the split took away the first two.
  return Number(fields[11]) + Number(fields[12])
}

function memoryMb(pid: number): number {
  const read = (file: string, key: string) =>
    new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1]
  const kb = read('smaps_rollup', 'Pss') ?? read('status', 'VmRSS')
  return Number(kb) / 1024
}
