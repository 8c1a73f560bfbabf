import { readFile } from 'node:fs/promises'
import { apiClient, reach } from '../../api/client.ts'
import type { CaptureView } from '../../api/shapes.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { readCaptured } from '../../verification/capture/captured.ts'
import { time } from '../describe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { count, say, table, writeLine } from '../output.ts'

/** Below what the API takes at once, whatever JSON adds. */
const pieceMaxBytes = 4 * 1024 * 1024
const actions = ['list', 'export', 'import', 'purge'] as const

export async function capture(
  globals: Globals,
  service: string,
  action = 'list',
  file?: string,
): Promise<number> {
  const which = actions.find((one) => one === action)
  if (which === undefined) throw usage(service, `there is no capture ${action}`)
  if ((which === 'import') !== (file !== undefined))
    throw usage(
      service,
      which === 'import' ? 'import needs a file' : `${which} takes no file, came ${file}`,
    )
  const api = apiClient(reach(globals))
  if (which === 'list') {
    const view = await api.capture(service)
    say(globals.json, view, described(view))
  } else if (which === 'export') await exportAll(api, globals, service)
  else if (which === 'import') {
    const records = await readRecords(service, file!)
    for (const piece of piecesOf(records)) await api.importCapture(service, piece)
    const document = { service, imported: records.length }
    say(
      globals.json,
      document,
      `${count(records.length, 'record')} imported\nNext: beryl capture ${service}`,
    )
  } else {
    const { records } = await api.purgeCapture(service)
    say(globals.json, { service, purged: records }, `${count(records, 'record')} removed`)
  }
  return exitCodes.done
}

/** As JSON Lines; with --json as one document. */
async function exportAll(
  api: ReturnType<typeof apiClient>,
  { json }: Globals,
  service: string,
): Promise<void> {
  const all: unknown[] = []
  let damaged = 0
  for (let after: string | null = null; ;) {
    const page = await api.capturePage(service, after)
    damaged += page.damaged
    if (json) all.push(...page.records)
    else for (const record of page.records) await writeLine(JSON.stringify(record))
    if (page.next === null) break
    after = page.next
  }
  if (json) say(json, { service, records: all, damaged }, '')
  else if (damaged > 0)
    process.stderr.write(`${count(damaged, 'line')} could not be read on the disk: left out\n`)
}

/** The whole file is checked before any of it is sent. @throws ProblemError naming file and line */
async function readRecords(service: string, file: string): Promise<unknown[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw wrongFile(`${file} cannot be read: ${(cause as Error).message}`)
  })
  const lines = text.split('\n')
  const records = lines.flatMap((line, index) => {
    if (line.trim() === '') return []
    const read = readCaptured(parsed(line))
    if ('wrong' in read) throw wrongFile(`${file}:${index + 1}: ${read.wrong}`)
    if (read.service === service) return [read]
    throw wrongFile(`${file}:${index + 1}: it is of ${read.service}, not of ${service}`)
  })
  if (records.length === 0) throw wrongFile(`${file} holds no record`)
  return records
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

function piecesOf(records: readonly unknown[]): unknown[][] {
  const pieces: unknown[][] = []
  let bytes = Infinity
  for (const record of records) {
    const size = Buffer.byteLength(JSON.stringify(record))
    if (bytes + size > pieceMaxBytes) {
      pieces.push([])
      bytes = 0
    }
    pieces.at(-1)!.push(record)
    bytes += size
  }
  return pieces
}

function described(view: CaptureView): string {
  const { service, settings, records, bytes, oldest, dropped, newest } = view
  const lost = Object.entries(dropped).map(([reason, number]) => `${number} ${reason}`)
  return [
    settings === null
      ? `${service}: nothing is recorded (no \`capture\` in its manifest)`
      : `${service}: ${settings.share * 100} % of what may be copied, kept for ${settings.keepS / 3600} h and ${mebibytes(settings.atMostBytes)} at most`,
    `  ${count(records, 'record')}, ${mebibytes(bytes)}${oldest === null ? '' : `, since ${time(oldest)}`}`,
    ...(lost.length === 0 ? [] : [`  not kept: ${lost.join(', ')}`]),
    ...table(newest.map(({ at, version, requestId }) => [`  ${time(at)}`, version, requestId])),
    `Next: ${records === 0 ? `beryl status ${service}` : `beryl capture ${service} export > ${service}.jsonl`}`,
  ].join('\n')
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}

function usage(service: string, title: string): ProblemError {
  const hint = `beryl capture ${service} [${actions.join('|')}], and the file to import`
  return new ProblemError({ status: 400, code: 'usage', title, hint })
}

function wrongFile(title: string): ProblemError {
  const hint = 'one line is one record as `export` wrote it; nothing was imported'
  return new ProblemError({ status: 400, code: 'wrong-record', title, hint })
}
