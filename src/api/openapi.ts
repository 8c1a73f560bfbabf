/** What the API offers, as an OpenAPI 3.1 document. A test holds its paths to the routes, and every answer of every story to its schemas. */
import { z } from 'zod'
import { offers } from './offers.ts'
import type { Offer } from './offers.ts'
import { needs } from './rights.ts'

export function openapi() {
  const paths: Record<string, Record<string, unknown>> = {}
  const named: Record<string, unknown> = {}
  for (const [at, offer] of Object.entries(offers)) {
    const [method, path] = at.split(' ') as [string, string]
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation(at, offer, named) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Beryl',
      version: 'v1',
      description:
        'Answers and problem documents use the words of the CLI. Every write is recorded with the actor of its token. What stands behind `token` in `security` is the role that the route needs.',
    },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { ...named, Problem: problem },
    },
  }
}

function operation(
  at: string,
  { summary, body, answer, query = {}, status = 200 }: Offer,
  named: Record<string, unknown>,
) {
  const needed = needs[at]
  const inPath = [...at.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const inQuery = Object.entries(query).map(([name, description]) => ({
    name,
    in: 'query',
    description,
    schema:
      name === 'find'
        ? { type: 'number' }
        : name === 'service' || name === 'after'
          ? { type: 'string' }
          : { type: 'integer', minimum: 0 },
  }))
  return {
    summary,
    security: needed === null ? [] : [{ token: [needed ?? 'admin'] }],
    parameters: [...inPath, ...inQuery],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            content: { 'application/json': { schema: z.toJSONSchema(body, { io: 'input' }) } },
          },
        }),
    responses: {
      [status]: {
        description: status === 202 ? 'begun; follow it by its id' : 'as asked',
        ...(answer === undefined
          ? {}
          : { content: { 'application/json': { schema: referring(answer, named) } } }),
      },
      default: {
        description: 'refused, with a stable code and a hint',
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      },
    },
  }
}

/** Schemas with a name stand once, in `components`. */
function referring(answer: z.ZodType, named: Record<string, unknown>): unknown {
  const {
    $defs = {},
    $schema: _,
    ...schema
  } = z.toJSONSchema(answer, {
    // Of our types; in a request it would have a meaning.
    override: ({ jsonSchema }) => void delete jsonSchema.readOnly,
  }) as Record<string, unknown> & { $defs?: Record<string, object> }
  const text = (one: unknown) =>
    JSON.parse(JSON.stringify(one).replaceAll('#/$defs/', '#/components/schemas/')) as object
  for (const [name, one] of Object.entries($defs)) {
    const { id: _id, ...rest } = text(one) as { id?: string }
    named[name] = rest
  }
  const own = text(schema) as { id?: string }
  if (own.id === undefined) return own
  const { id, ...rest } = own
  named[id] = rest
  return { $ref: `#/components/schemas/${id}` }
}

/** RFC 9457, with Beryl's own members. */
const problem = {
  type: 'object',
  required: ['type', 'status', 'title', 'code'],
  properties: {
    type: { type: 'string', description: 'urn:beryl:problem: and the code' },
    status: { type: 'integer' },
    title: { type: 'string', description: 'what was refused, and why, in one sentence' },
    code: { type: 'string', description: 'stable; for programs' },
    hint: { type: 'string', description: 'what to do' },
  },
}
