/** One JSON line per event on standard output: what operators' collectors expect. */
import { destination, pino } from 'pino'

export const log = pino(
  { base: { pid: process.pid }, level: process.env['BERYL_LOG'] ?? 'info' },
  destination({ dest: 1, sync: true }),
)
