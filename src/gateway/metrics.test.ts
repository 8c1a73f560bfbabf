import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openGateway, openModel, placed, saying, tableOf, until } from './testing/gateway.ts'

const open: { close(): unknown }[] = []
after(() => Promise.all(open.map((one) => one.close())))

async function gatewayWith(accessLog: { share: number; maxBytes: number; keep: number } | null) {
  const [well, failing] = [
    await openModel(saying('answer')),
    await openModel((incoming, response) => {
      incoming.resume()
      incoming.on('end', () => response.writeHead(500).end())
    }),
  ]
  const gateway = await openGateway({
    accessLog: accessLog === null ? null : { file: 'logs/access.log', ...accessLog },
  })
  open.push(well, failing, gateway)
  const places = { blue: placed('v1', [well.port]), green: placed('v2', [failing.port]) }
  const put = (generation: number, live: 'blue' | 'green') =>
    gateway.client.putTable('s', { table: tableOf(generation, live, places), back: null })
  await put(1, 'blue')
  return { ...gateway, put }
}

test('requests are counted by service, environment, version, status and outcome, with times and bytes, over all workers', async () => {
  const gateway = await gatewayWith(null)
  for (let count = 0; count < 30; count++)
    await gateway.ask('/', { method: 'POST', body: 'question' })
  await gateway.put(2, 'green')
  for (let count = 0; count < 10; count++) await gateway.ask()
  const { rows, services } = await until(
    () => gateway.client.metrics(),
    (metrics) =>
      metrics.rows.flatMap(({ totals }) => totals.counts).reduce((a, b) => a + b, 0) === 40,
  )
  assert.deepEqual(
    rows.map(({ environment, version, statuses, outcomes, bytesIn, bytesOut, retries }) => ({
      environment,
      version,
      statuses,
      outcomes,
      bytesIn,
      bytesOut,
      retries,
    })),
    [
      {
        environment: 'blue',
        version: 'v1',
        statuses: { 200: 30 },
        outcomes: { ok: 30 },
        bytesIn: 240,
        bytesOut: 180,
        retries: 0,
      },
      {
        environment: 'green',
        version: 'v2',
        statuses: { 500: 10 },
        outcomes: { 'error-status': 10 },
        bytesIn: 0,
        bytesOut: 0,
        retries: 0,
      },
    ],
  )
  for (const { firstBytes, totals } of rows) {
    assert.deepEqual(
      firstBytes.counts.reduce((a, b) => a + b),
      totals.counts.reduce((a, b) => a + b),
    )
    assert.ok(totals.sumS >= firstBytes.sumS && firstBytes.sumS > 0)
  }
  assert.deepEqual([services['s']!.assigned, services['s']!.generation], [40, 2])
})

test('what no replica was asked for is counted by code, and what could not be read by status', async () => {
  const gateway = await openGateway()
  open.push(gateway)
  await gateway.ask('/nowhere')
  const raw = connect({ port: gateway.port, host: '127.0.0.1' }).resume()
  raw.write('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n')
  await new Promise((resolve) => raw.once('close', resolve))
  const { refused, unreadable } = await until(
    () => gateway.client.metrics(),
    (metrics) =>
      Object.keys(metrics.refused).length > 0 && Object.keys(metrics.unreadable).length > 0,
  )
  assert.deepEqual([refused, unreadable], [{ 'no-route': 1 }, { 400: 1 }])
})

test('the access log holds one JSON line for each request, without its query', async () => {
  const gateway = await gatewayWith({ share: 1, maxBytes: 1e6, keep: 3 })
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      gateway.ask(`/v1/x?secret=${index}`, { method: 'POST', body: 'question' }),
    ),
  )
  const file = join(gateway.root, 'logs/access.log')
  const text = await until(
    () => safely(() => readFileSync(file, 'utf8')),
    (read) => read.split('\n').length === 21,
  )
  const entries = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    new Set(entries.map(({ requestId }) => requestId)),
    new Set(answers.map(({ headers }) => headers['beryl-request-id'])),
  )
  assert.doesNotMatch(text, /secret/)
  const {
    at,
    client,
    method,
    path,
    service,
    version,
    replica,
    status,
    outcome,
    bytesIn,
    bytesOut,
    tries,
  } = entries[0]
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000)
  assert.deepEqual(
    [client, method, path, service, version, replica, status, outcome, bytesIn, bytesOut, tries],
    ['127.0.0.1', 'POST', '/v1/x', 's', 'v1', 'v1-0', 200, 'ok', 8, 6, 1],
  )
  assert.equal(statSync(file).mode & 0o77, 0, 'readable by its owner only')
})

test('the access log is rotated by size, and no more files are kept than was said', async () => {
  const gateway = await gatewayWith({ share: 1, maxBytes: 2000, keep: 2 })
  const directory = join(gateway.root, 'logs')
  await until(
    async () => {
      await Promise.all(Array.from({ length: 4 }, () => gateway.ask()))
      return safely(() => readdirSync(directory).join(' ')).split(' ')
    },
    (files) => files.length === 3,
  )
  for (let count = 0; count < 20; count++) await gateway.ask()
  // Between two renames one may be missing for a moment; there is never one more.
  const files = await until(
    () => readdirSync(directory).toSorted(),
    (all) => all.length >= 3,
  )
  assert.deepEqual(files, ['access.log', 'access.log.1', 'access.log.2'])
  for (const name of files.slice(1)) {
    const text = readFileSync(join(directory, name), 'utf8')
    assert.ok(
      text.endsWith('\n') &&
        text
          .trim()
          .split('\n')
          .every((line) => JSON.parse(line).service === 's'),
    )
  }
})

test('a share of the requests is logged, within binomial bounds', async () => {
  const gateway = await gatewayWith({ share: 0.2, maxBytes: 1e7, keep: 1 })
  for (let round = 0; round < 10; round++)
    await Promise.all(Array.from({ length: 50 }, () => gateway.ask()))
  const file = join(gateway.root, 'logs/access.log')
  const off = 5 * Math.sqrt(500 * 0.2 * 0.8)
  await until(
    () => safely(() => readFileSync(file, 'utf8')).split('\n').length - 1,
    (lines) => Math.abs(lines - 100) < off,
  )
})

function safely(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
