/** What the API offers: one table of every route, with the schemas that check what is asked, and what is answered. */
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
import { costShape } from './cost-shapes.ts'
import { curvesShape } from './curves-shape.ts'
import { planShape } from './plan-shape.ts'
import { eventShape, feedbackShape, releaseShape } from './release-shapes.ts'
import {
  applyShape,
  captureShape,
  capturedPageShape,
  freezeShape,
  newTokenShape,
  notificationsShape,
  openShape,
  recordShape,
  serviceShape,
  sessionShape,
  tokenShape,
} from './shapes.ts'
import {
  aliasesShape,
  diffShape,
  removedVersionShape,
  versionShape,
  versionsShape,
} from './version-shapes.ts'

export type Offer = {
  summary: string
  body?: z.ZodType
  query?: Record<string, string>
  /** JSON that is answered; without it, something else: text, a stream, a file. */
  answer?: z.ZodType
  /** 200 unless said otherwise. */
  status?: number
}

/** Every list comes in pages; the next one begins after `next` of the one before, and null is the end. */
const pages = {
  limit: 'at most so many, up to 1000',
  after: '`next` of the page before',
}
function page(items: z.ZodRawShape) {
  return z.object({ ...items, next: z.string().nullable() })
}

const events = {
  service: 'of this service only',
  after:
    'events with a higher id, such as `next` of the page before; the header Last-Event-ID does the same',
  limit: 'at most so many, up to 1000',
}

const acts: Record<string, Offer> = {
  approve: {
    answer: releaseShape,
    summary: 'consent by name; with gate and reason, one gate is skipped, on record',
    body: approveBody,
  },
  promote: {
    answer: releaseShape,
    summary: 'accept the new version without more evidence; the reason is needed',
    body: commandBody,
  },
  pause: {
    answer: releaseShape,
    summary: 'stop forward steps; never guard, health or rollback',
    body: commandBody,
  },
  resume: { answer: releaseShape, summary: 'let it go on', body: commandBody },
  abort: { answer: releaseShape, summary: 'end it before the switch', body: commandBody },
  rollback: {
    answer: releaseShape,
    summary: 'back to the standby at once; `to`: to an older version, as a release of its own',
    body: rollbackBody,
  },
  retry: {
    answer: releaseShape,
    summary: 'the same version again, as a new release',
    body: emptyBody,
    status: 202,
  },
}

export const offers: Record<string, Offer> = {
  'GET /healthz': { summary: 'this process answers' },
  'GET /readyz': { summary: 'Beryl can do its work; 503 with the reasons' },
  'GET /metrics': {
    summary:
      'metrics of gateway, releases, gates, evidence, ladder and cost: Prometheus text, or OpenMetrics',
  },
  'GET /api/v1/openapi.json': { summary: 'this document' },
  'GET /api/v1/services': {
    answer: page({ services: z.array(serviceShape) }),
    query: pages,
    summary: 'every service',
  },
  'GET /api/v1/services/{service}': {
    answer: serviceShape,
    summary:
      'what is live, both environments, the active release, the way back, what may be asked for',
  },
  'GET /api/v1/services/{service}/open': {
    answer: openShape,
    summary: 'what is in flight: request id, age, bytes; oldest first',
  },
  'GET /api/v1/services/{service}/versions': {
    answer: page(versionsShape.shape),
    query: pages,
    summary: 'versions: digest, notes, what is expected, aliases, role now',
  },
  'POST /api/v1/services/{service}/versions': {
    answer: versionShape,
    summary:
      'add a version beside those of the manifest: files, pinned references, or a model version of MLflow',
    body: versionBody,
    status: 201,
  },
  'DELETE /api/v1/services/{service}/versions/{version}': {
    answer: removedVersionShape,
    summary: 'take a version that nobody uses out of the registry; files stay where they are',
  },
  'GET /api/v1/services/{service}/versions/{version}': {
    answer: versionShape,
    summary: 'one version (or `@alias`): its files, and the releases of it',
  },
  'GET /api/v1/services/{service}/versions/{version}/diff/{to}': {
    answer: diffShape,
    summary: 'what differs between two versions: files, arguments, names of variables, expects',
  },
  'GET /api/v1/services/{service}/aliases': {
    answer: aliasesShape,
    query: pages,
    summary: 'what each alias means now, and all it ever meant, newest first',
  },
  'PUT /api/v1/services/{service}/aliases/{alias}': {
    answer: aliasesShape,
    summary: 'let a name (without `@`) mean this version from now on; on record',
    body: aliasBody,
  },
  'DELETE /api/v1/services/{service}/aliases/{alias}': {
    answer: aliasesShape,
    summary: 'take a name away; its history stays',
    body: commandBody,
  },
  'GET /api/v1/services/{service}/cost': {
    answer: costShape,
    summary: 'the ledger: replica-hours and money',
  },
  'GET /api/v1/services/{service}/capture': {
    answer: captureShape,
    summary: 'recorded production traffic: how much there is, and what was dropped',
  },
  'DELETE /api/v1/services/{service}/capture': {
    answer: z.object({ records: z.int() }),
    summary: 'remove every record',
  },
  'GET /api/v1/services/{service}/capture/records': {
    answer: capturedPageShape,
    summary: 'the records, redacted, oldest first, page by page',
    query: { after: '`next` of the page before' },
  },
  'POST /api/v1/services/{service}/capture/records': {
    answer: z.object({ records: z.int() }),
    summary: 'import what was exported: all of it or nothing',
    body: importBody,
  },
  'GET /api/v1/services/{service}/plan/{version}': {
    answer: planShape,
    summary: 'what a release would take: capacity, time, cost, and what its watch could find',
    query: {
      find: 'a share of errors, such as 0.05: how soon would that be seen?',
      traffic: 'what if there were so many times as much, such as 2',
      gpus: 'what if there were so many GPU slots, such as 4',
      standby: 'what if the old version were kept so: full, replicas, asleep or gone',
    },
  },
  'GET /api/v1/services/{service}/history': {
    answer: page({ releases: z.array(releaseShape) }),
    summary: 'releases, newest first',
    query: pages,
  },
  'POST /api/v1/services/{service}/releases': {
    answer: releaseShape,
    summary: 'start a release',
    body: deployBody,
    status: 202,
  },
  'GET /api/v1/releases/{id}': {
    answer: releaseShape,
    summary: 'one release: phase, gates, watch, cost',
  },
  'GET /api/v1/releases/{id}/curves': {
    summary: 'answers, failures, times, evidence and feedback of both versions over time',
    answer: curvesShape,
  },
  'GET /api/v1/services/{service}/curves': {
    summary: 'answers, failures and times of both places over the last 40 minutes',
    answer: curvesShape,
  },
  'GET /api/v1/releases/{id}/report': {
    answer: page({ release: releaseShape, events: z.array(eventShape) }),
    query: pages,
    summary: 'the release, with the events of its record, oldest first',
  },
  'GET /api/v1/releases/{id}/report.html': {
    summary: 'the same whole, as a page that stands by itself, to keep or to send on',
  },
  'GET /api/v1/releases/{id}/report.json': {
    answer: z.object({ release: releaseShape, events: z.array(eventShape) }),
    summary: 'the same whole, as one JSON document',
  },
  'GET /api/v1/events': {
    answer: page({ events: z.array(eventShape) }),
    summary: 'the record; with Accept: text/event-stream as server-sent events',
    query: events,
  },
  'GET /api/v1/record': {
    answer: recordShape,
    summary: 'how far the record goes back, and how far it may',
  },
  'GET /api/v1/backup': {
    summary: 'a copy of all that is kept, as of now: an SQLite database, to start Beryl on',
  },
  'GET /api/v1/live': {
    summary:
      'services as they are, as server-sent events: all of them (`services`), then those that changed (`changed`)',
    query: { service: 'of this service only' },
  },
  'POST /api/v1/session': {
    answer: sessionShape,
    summary: 'sign in to the dashboard: a cookie for a token, for its own pages only',
    body: sessionBody,
  },
  'GET /api/v1/session': { answer: sessionShape, summary: 'who you are, and until when' },
  'DELETE /api/v1/session': { answer: sessionShape, summary: 'sign out: the cookie is taken back' },
  'POST /api/v1/apply': {
    answer: applyShape,
    summary: 'apply an edited manifest, whole or not at all; `dryRun` only says what would change',
    body: applyBody,
  },
  'GET /api/v1/notifications': {
    answer: notificationsShape,
    summary: 'who is told of what happens, what they have not taken, and what was given up',
  },
  'POST /api/v1/notifications/retry': {
    answer: z.object({ retried: z.int() }),
    summary: 'send again what was given up, and what waits',
    body: emptyBody,
  },
  'GET /api/v1/freezes': {
    answer: page({ freezes: z.array(freezeShape) }),
    query: pages,
    summary: 'what is frozen, by whom and why; `service` null: everything',
  },
  'POST /api/v1/freeze': {
    answer: freezeShape,
    summary:
      'nothing switches forward, of any service; the reason is needed; a rollback is never held',
    body: freezeBody,
  },
  'DELETE /api/v1/freeze': { answer: freezeShape, summary: 'lift the freeze of everything' },
  'POST /api/v1/services/{service}/freeze': {
    answer: freezeShape,
    summary: 'nothing of this service switches forward; the reason is needed',
    body: freezeBody,
  },
  'DELETE /api/v1/services/{service}/freeze': {
    answer: freezeShape,
    summary: 'lift the freeze of this service',
  },
  'GET /api/v1/tokens': {
    answer: page({ tokens: z.array(tokenShape) }),
    query: pages,
    summary: 'who has a token, with which role; never the token itself',
  },
  'POST /api/v1/tokens': {
    answer: newTokenShape,
    summary: 'make a token: the answer holds it, this once',
    body: tokenBody,
    status: 201,
  },
  'DELETE /api/v1/tokens/{name}': {
    answer: tokenShape,
    summary: 'revoke it, and end the sessions that it opened, at once',
  },
  'POST /api/v1/feedback': {
    answer: feedbackShape,
    summary: 'say how good one answer was',
    body: feedbackBody,
  },
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
