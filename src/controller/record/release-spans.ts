/**
 * A release as a trace: itself, its phases and its gates as spans, from the record. Each is told when it ends, by ids that follow
 * from the release alone: whoever comes after a restart goes on with the same trace. Pure.
 */
import { createHash } from 'node:crypto'
import { isEnd } from '../../release/release.ts'
import type { Phase, Release } from '../../release/release.ts'
import type { Event } from '../../storage/events.ts'
import type { Span } from '../../telemetry/otlp.ts'

const wrongEnds: readonly unknown[] = ['rejected', 'rolled-back']

/** @param event the one that has just been written @param all the record of its release, oldest first */
export function spansOf(event: Event, release: Release, all: readonly Event[]): Span[] {
  const before = all.filter(({ id }) => id < event.id)
  if (event.kind === 'gate') return [gateSpan(event, release, before)]
  if (event.kind !== 'phase') return []
  const left = leftPhase(event, release, before)
  return isEnd({ name: event.data['phase'] } as Phase) ? [left, wholeSpan(event, release)] : [left]
}

function wholeSpan({ at, data }: Event, release: Release): Span {
  const { id, service, kind, bundle, from, by } = release
  return {
    ...common(release),
    spanId: rootId(release),
    parentId: null,
    name: `${kind} ${service}`,
    from: release.at,
    to: at,
    attributes: {
      ...attributesOf(release),
      'beryl.release': id,
      'beryl.digest': bundle.digest,
      'beryl.from': from?.version ?? '',
      'beryl.by': by,
      'beryl.end': String(data['phase']),
      'beryl.because': textOf(data['because']),
    },
    failed: wrongEnds.includes(data['phase']) ? textOf(data['because']) : null,
  }
}

/** The phase that this event ends. */
function leftPhase({ at }: Event, release: Release, before: readonly Event[]): Span {
  const begun = before.findLast(({ kind }) => kind === 'phase')
  const name = begun === undefined ? 'queued' : String(begun.data['phase'])
  return {
    ...common(release),
    spanId: phaseId(release, begun),
    parentId: rootId(release),
    name,
    from: begun?.at ?? release.at,
    to: at,
    attributes: {
      ...attributesOf(release),
      'beryl.phase': name,
      'beryl.because': textOf(begun?.data['because']),
    },
    failed: null,
  }
}

/** Gates are taken one after another: it began when the one before it had ended, or with its phase. */
function gateSpan(event: Event, release: Release, before: readonly Event[]): Span {
  const begun = before.findLast(({ kind }) => kind === 'phase' || kind === 'gate')
  const phase = before.findLast(({ kind }) => kind === 'phase')
  const { gate, verdict } = event.data
  return {
    ...common(release),
    spanId: idOf(release, `gate ${event.id}`, 16),
    parentId: phaseId(release, phase),
    name: `gate ${String(gate)}`,
    from: begun?.at ?? release.at,
    to: event.at,
    attributes: {
      ...attributesOf(release),
      'beryl.gate': String(gate),
      'beryl.verdict': String(verdict),
    },
    failed: verdict === 'pass' ? null : event.text,
  }
}

function common(release: Release): Pick<Span, 'traceId' | 'kind'> {
  return { traceId: idOf(release, 'trace', 32), kind: 'internal' }
}

function attributesOf({ id, service, bundle }: Release): Span['attributes'] {
  return { 'beryl.release': id, 'beryl.service': service, 'beryl.version': bundle.version }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function rootId(release: Release): string {
  return idOf(release, 'root', 16)
}

function phaseId(release: Release, begun: Event | undefined): string {
  return idOf(release, `phase ${begun?.id ?? 0}`, 16)
}

/** Digits of a hash: never all zero, for all that anybody will see. */
function idOf({ id, service, at, bundle }: Release, what: string, digits: number): string {
  const text = [service, id, at, bundle.digest, what].join(' ')
  return createHash('sha256').update(text).digest('hex').slice(0, digits)
}
