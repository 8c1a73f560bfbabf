/** For tests only: a small fake of our own of an MLflow server. It answers as MLflow 3.17 does where it is well, and otherwise as it is told. */
import { createServer } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export type MlflowFake = Awaited<ReturnType<typeof mlflowFake>>

export const fakeCommit = '0123456789abcdef0123456789abcdef01234567'
const run = '8e5e5e1b0ec9421fae0522a07cff0ee1'

type Said = { status: number; type?: string; body: string } | 'nothing' | 'hangs up'

export async function mlflowFake(artifacts: string) {
  const fake = {
    artifacts,
    status: 'READY',
    /** In place of the right answer, by the end of the path. */
    instead: {} as Record<string, Said>,
    asked: [] as string[],
    headers: [] as IncomingHttpHeaders[],
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://fake')
    const path = url.pathname.replace('/api/2.0/mlflow/', '')
    fake.asked.push(`${path}${url.search}`)
    fake.headers.push(request.headers)
    const instead = fake.instead[path]
    if (instead === 'nothing') return
    if (instead === 'hangs up') return void request.socket.destroy()
    const { status, body, type = 'application/json' } = instead ?? answer(path, url.searchParams)
    response.writeHead(status, { 'content-type': type }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(fake, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  })

  function answer(path: string, query: URLSearchParams): Exclude<Said, string> {
    const [name, version] = [query.get('name'), query.get('version')]
    const modelVersion = {
      name: 'tiny',
      version: '7',
      creation_timestamp: 1795670605567,
      current_stage: 'None',
      description: 'trained in October',
      source: 'mlflow-artifacts:/1/models/m-b5c32f87c93e4e7f99b4221c1163c382/artifacts',
      run_id: run,
      status: fake.status,
      run_link: '',
      aliases: ['champion'],
    }
    if (path === 'runs/get') {
      const tags = [
        { key: 'mlflow.user', value: 'ann' },
        { key: 'mlflow.source.git.commit', value: fakeCommit },
      ]
      return json(200, { run: { info: { run_id: run }, data: { tags } } })
    }
    if (name !== 'tiny' || (version ?? '7') !== '7')
      return json(404, {
        error_code: 'RESOURCE_DOES_NOT_EXIST',
        message: `Model Version (name=${name}, version=${version}) not found`,
      })
    if (path === 'model-versions/get-download-uri')
      return json(200, { artifact_uri: fake.artifacts })
    if (path === 'registered-models/alias' && query.get('alias') !== 'champion')
      return json(400, {
        error_code: 'INVALID_PARAMETER_VALUE',
        message: `Registered model alias ${query.get('alias')} not found.`,
      })
    return json(200, { model_version: modelVersion })
  }
}

function json(status: number, value: unknown) {
  return { status, body: JSON.stringify(value) }
}
