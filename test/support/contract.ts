/** Holds every answer of a running API to its own OpenAPI document: what is not written there is an error. */
import assert from 'node:assert/strict'
import { openapi } from '../../src/api/openapi.ts'
import { jsonSchema } from '../../src/verification/json-schema.ts'
import type { SchemaCheck } from '../../src/verification/json-schema.ts'

type Operation = {
  responses: Record<string, { content?: Record<string, { schema: unknown }> }>
}
// A schema by itself has its parts in `$defs`.
const { paths, components } = JSON.parse(
  JSON.stringify(openapi()).replaceAll('#/components/schemas/', '#/$defs/'),
) as {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: object }
}
const checks = new Map<string, SchemaCheck>()

export type Answered = { method: string; path: string; status: number; type: string; body: unknown }

/** @param path of the request, with or without a query @returns the route, such as `GET /api/v1/services/{service}` */
export function assertContract({ method, path, status, type, body }: Answered): string {
  const [bare = ''] = path.split('?')
  const route = Object.keys(paths)
    .filter((pattern) => method.toLowerCase() in paths[pattern]!)
    .filter((pattern) =>
      new RegExp(`^${pattern.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(bare),
    )
    // `/versions/{version}` and such: what is written out comes first.
    .toSorted((a, b) => a.split('{').length - b.split('{').length)[0]
  const name = `${method} ${route ?? bare}`
  if (route === undefined) {
    assert.ok(status >= 400, `${name} is not in the OpenAPI document, and was answered ${status}`)
  }
  const { responses = {} } = route === undefined ? {} : paths[route]![method.toLowerCase()]!
  const isRefused = status >= 400
  const wanted = isRefused ? 'application/problem+json' : 'application/json'
  assert.ok(
    isRefused || String(status) in responses,
    `${name} was answered ${status}, which is not in the document`,
  )
  const schema = isRefused
    ? { $ref: '#/$defs/Problem' }
    : responses[String(status)]!.content?.[wanted]?.schema
  if (schema === undefined) return name
  assert.equal(type.split(';')[0], wanted, `${name} was answered ${status} with ${type}`)
  const key = isRefused ? 'problem' : `${name} ${status}`
  if (!checks.has(key))
    checks.set(key, jsonSchema({ ...(schema as object), $defs: components.schemas }))
  const wrong = checks.get(key)!(body)
  assert.ok(wrong === null, `${name}: ${wrong} in ${JSON.stringify(body).slice(0, 4000)}`)
  return name
}
