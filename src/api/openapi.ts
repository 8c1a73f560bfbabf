/** What the API offers, as an OpenAPI 3.1 document. Bodies come from the schemas that check them; a test holds the paths to the routes. */
import { z } from 'zod'
import {
  applyBody,
  aliasBody,
  approveBody,
  commandBody,
  deployBody,
  emptyBody,
  feedbackBody,
  freezeBody,
  importBody,
  rollbackBody,
  sessionBody,
  tokenBody,
  versionBody,
} from './bodies.ts'
import { curvesShape } from './curves-shape.ts'
import { needs } from './rights.ts'

type Offer = {
  summary: string
  body?: z.ZodType
  query?: Record<string, string>
  /** What is answered; left out: JSON as `shapes.ts` has it. */
  answer?: z.ZodType
  /** 200 unless said otherwise. */
  status?: number
}

const events = {
  service: 'of this service only',
  after: 'events with a higher id; the header Last-Event-ID does the same',
  limit: 'at most so many, up to 1000',
}

const acts: Record<string, Offer> = {
  approve: {
    summary: 'consent by name; with gate and reason, one gate is skipped, on record',
    body: approveBody,
  },
  promote: {
    summary: 'accept the new version without more evidence; the reason is needed',
    body: commandBody,
  },
  pause: { summary: 'stop forward steps; never guard, health or rollback', body: commandBody },
  resume: { summary: 'let it go on', body: commandBody },
  abort: { summary: 'end it before the switch', body: commandBody },
  rollback: {
    summary: 'back to the standby at once; `to`: to an older version, as a release of its own',
    body: rollbackBody,
  },
  retry: { summary: 'the same version again, as a new release', body: emptyBody, status: 202 },
}

const offers: Record<string, Offer> = {
  'GET /healthz': { summary: 'this process answers' },
  'GET /readyz': { summary: 'Beryl can do its work; 503 with the reasons' },
  'GET /metrics': {
    summary:
      'metrics of gateway, releases, gates, evidence, ladder and cost: Prometheus text, or OpenMetrics',
  },
  'GET /api/v1/openapi.json': { summary: 'this document' },
  'GET /api/v1/services': { summary: 'every service' },
  'GET /api/v1/services/{service}': {
    summary:
      'what is live, both environments, the active release, the way back, what may be asked for',
  },
  'GET /api/v1/services/{service}/open': {
    summary: 'what is in flight: request id, age, bytes; oldest first',
  },
  'GET /api/v1/services/{service}/versions': {
    summary: 'versions: digest, notes, what is expected, aliases, role now',
  },
  'POST /api/v1/services/{service}/versions': {
    summary:
      'add a version beside those of the manifest: files, pinned references, or a model version of MLflow',
    body: versionBody,
    status: 201,
  },
  'DELETE /api/v1/services/{service}/versions/{version}': {
    summary: 'take a version that nobody uses out of the registry; files stay where they are',
  },
  'GET /api/v1/services/{service}/versions/{version}': {
    summary: 'one version (or `@alias`): its files, and the releases of it',
  },
  'GET /api/v1/services/{service}/versions/{version}/diff/{to}': {
    summary: 'what differs between two versions: files, arguments, names of variables, expects',
  },
  'GET /api/v1/services/{service}/aliases': {
    summary: 'what each alias means now, and all it ever meant',
  },
  'PUT /api/v1/services/{service}/aliases/{alias}': {
    summary: 'let a name (without `@`) mean this version from now on; on record',
    body: aliasBody,
  },
  'DELETE /api/v1/services/{service}/aliases/{alias}': {
    summary: 'take a name away; its history stays',
    body: commandBody,
  },
  'GET /api/v1/services/{service}/cost': { summary: 'the ledger: replica-hours and money' },
  'GET /api/v1/services/{service}/capture': {
    summary: 'recorded production traffic: how much there is, and what was dropped',
  },
  'DELETE /api/v1/services/{service}/capture': { summary: 'remove every record' },
  'GET /api/v1/services/{service}/capture/records': {
    summary: 'the records, redacted, oldest first, page by page',
    query: { after: '`next` of the page before' },
  },
  'POST /api/v1/services/{service}/capture/records': {
    summary: 'import what was exported: all of it or nothing',
    body: importBody,
  },
  'GET /api/v1/services/{service}/plan/{version}': {
    summary: 'what a release would take: capacity, time, cost, and what its watch could find',
    query: { find: 'a share of errors, such as 0.05: how soon would that be seen?' },
  },
  'GET /api/v1/services/{service}/history': {
    summary: 'releases, newest first',
    query: { limit: 'at most so many, up to 1000' },
  },
  'POST /api/v1/services/{service}/releases': {
    summary: 'start a release',
    body: deployBody,
    status: 202,
  },
  'GET /api/v1/releases/{id}': { summary: 'one release: phase, gates, watch, cost' },
  'GET /api/v1/releases/{id}/curves': {
    summary: 'answers, failures, times, evidence and feedback of both versions over time',
    answer: curvesShape,
  },
  'GET /api/v1/services/{service}/curves': {
    summary: 'answers, failures and times of both places over the last hour',
    answer: curvesShape,
  },
  'GET /api/v1/releases/{id}/report': { summary: 'the release, with every event of its record' },
  'GET /api/v1/events': {
    summary: 'the record; with Accept: text/event-stream as server-sent events',
    query: events,
  },
  'GET /api/v1/record': { summary: 'how far the record goes back, and how far it may' },
  'GET /api/v1/backup': {
    summary: 'a copy of all that is kept, as of now: an SQLite database, to start Beryl on',
  },
  'GET /api/v1/live': {
    summary: 'services as they are, as server-sent events: again whenever something changed',
    query: { service: 'of this service only' },
  },
  'POST /api/v1/session': {
    summary: 'sign in to the dashboard: a cookie for a token, for its own pages only',
    body: sessionBody,
  },
  'GET /api/v1/session': { summary: 'who you are, and until when' },
  'DELETE /api/v1/session': { summary: 'sign out: the cookie is taken back' },
  'POST /api/v1/apply': {
    summary: 'apply an edited manifest, whole or not at all; `dryRun` only says what would change',
    body: applyBody,
  },
  'GET /api/v1/notifications': {
    summary: 'who is told of what happens, what they have not taken, and what was given up',
  },
  'POST /api/v1/notifications/retry': {
    summary: 'send again what was given up, and what waits',
    body: emptyBody,
  },
  'GET /api/v1/freezes': { summary: 'what is frozen, by whom and why; `service` null: everything' },
  'POST /api/v1/freeze': {
    summary:
      'nothing switches forward, of any service; the reason is needed; a rollback is never held',
    body: freezeBody,
  },
  'DELETE /api/v1/freeze': { summary: 'lift the freeze of everything' },
  'POST /api/v1/services/{service}/freeze': {
    summary: 'nothing of this service switches forward; the reason is needed',
    body: freezeBody,
  },
  'DELETE /api/v1/services/{service}/freeze': { summary: 'lift the freeze of this service' },
  'GET /api/v1/tokens': { summary: 'who has a token, with which role; never the token itself' },
  'POST /api/v1/tokens': {
    summary: 'make a token: the answer holds it, this once',
    body: tokenBody,
    status: 201,
  },
  'DELETE /api/v1/tokens/{name}': {
    summary: 'revoke it, and end the sessions that it opened, at once',
  },
  'POST /api/v1/feedback': { summary: 'say how good one answer was', body: feedbackBody },
  ...Object.fromEntries(
    ['services', 'releases'].flatMap((kind) =>
      Object.entries(acts).map(([act, offer]): [string, Offer] => [
        `POST /api/v1/${kind}/{target}/${act}`,
        kind === 'releases'
          ? offer
          : { ...offer, summary: `${offer.summary} (the active release)` },
      ]),
    ),
  ),
}

export function openapi() {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const [at, offer] of Object.entries(offers)) {
    const [method, path] = at.split(' ') as [string, string]
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation(at, offer) }
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
      schemas: { Problem: problem },
    },
  }
}

function operation(at: string, { summary, body, answer, query = {}, status = 200 }: Offer) {
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
      name === 'service' || description.startsWith('`next`')
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
          : { content: { 'application/json': { schema: z.toJSONSchema(answer) } } }),
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
