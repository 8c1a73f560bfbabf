/**
 * One JSON line per event on standard output: what operators' collectors expect. Where nothing can be written any more, a disk that is
 * full for one, lines are lost, and what they are about goes on: somebody may need a rollback just then.
 */
import { destination, pino } from 'pino'

/** Lines that wait for a place that takes them again; more are lost. */
const waitingMaxBytes = 1024 * 1024

const out = destination({ dest: 1, sync: true, maxLength: waitingMaxBytes })
out.on('error', () => {})
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

export const log = pino(
  { base: { pid: process.pid }, level: process.env['BERYL_LOG'] ?? 'info' },
  out,
)
