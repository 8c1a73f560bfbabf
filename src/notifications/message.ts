/** What is told: CloudEvents 1.0 in JSON, or a line for Slack. With the reason, and what to do now. */
import { nextStep } from '../api/next-step.ts'
import type { Told } from '../config/notifications.ts'
import type { Release } from '../release/release.ts'
import type { Event } from '../storage/events.ts'

export type Message = {
  told: Told
  event: Event
  release: Release | null
  /** Of the dashboard; pages ask for a sign-in, so the link itself opens nothing. */
  dashboard: string
}
export type Body = { contentType: string; body: string }

/** A log of a model server may be in a reason. */
const textMax = 2000

/** @param source which Beryl: a URI reference */
export function cloudEvent(message: Message, source: string): Body {
  const { told, event, release } = message
  const because = event.data['because']
  const body = JSON.stringify({
    specversion: '1.0',
    id: String(event.id),
    source,
    type: `beryl.${told}`,
    time: new Date(event.at).toISOString(),
    subject: event.release === null ? event.service : `${event.service}/${event.release}`,
    datacontenttype: 'application/json',
    data: {
      service: event.service,
      release: event.release,
      version: release?.bundle.version ?? null,
      from: release?.from?.version ?? null,
      by: event.by,
      text: short(event.text),
      because: typeof because === 'string' ? short(because) : null,
      next: nextOf(message),
      link: linkOf(message),
    },
  })
  return { contentType: 'application/cloudevents+json; charset=utf-8', body }
}

const signs: Record<Told, string> = {
  deployed: ':package:',
  waiting: ':hourglass_flowing_sand:',
  step: ':arrow_right:',
  switched: ':white_check_mark:',
  'rolling-back': ':rewind:',
  'rolled-back': ':rewind:',
  rejected: ':no_entry:',
  aborted: ':no_entry:',
  finished: ':checkered_flag:',
  verified: ':white_check_mark:',
  alarm: ':rotating_light:',
  frozen: ':snowflake:',
}

export function slack(message: Message): Body {
  const { told, event } = message
  const service = event.service === '*' ? 'all services' : event.service
  const line = `${signs[told]} *${escaped(service)}* ${told}: ${escaped(short(event.text))} (by ${escaped(event.by)})`
  const next = `Next: \`${escaped(nextOf(message))}\``
  const body = JSON.stringify({ text: `${line}\n${next}\n${linkOf(message)}` })
  return { contentType: 'application/json; charset=utf-8', body }
}

/** As the CLI says it, of the moment that the record tells of. */
function nextOf({ told, event, release }: Pick<Message, 'told' | 'event' | 'release'>): string {
  const { service, data } = event
  if (told === 'frozen') return data['command'] === 'freeze' ? unfreezeOf(service) : 'beryl status'
  if (release === null || told === 'alarm' || told === 'deployed') return `beryl status ${service}`
  const phase = told === 'switched' ? 'watching' : told === 'step' ? 'switching' : told
  const waitingFor = typeof data['waitingFor'] === 'string' ? data['waitingFor'] : null
  return nextStep({
    id: release.id,
    service,
    version: release.bundle.version,
    from: release.from?.version ?? null,
    phase: phase === 'waiting' ? (data['phase'] as Release['phase']['name']) : phase,
    waitingFor,
  })
}

/** The page of the release, where it is approved and promoted by name and with a reason. */
function linkOf({ event, dashboard }: Pick<Message, 'event' | 'dashboard'>): string {
  if (event.release !== null) return `${dashboard}/releases/${encodeURIComponent(event.release)}`
  const isOne = event.service !== '' && event.service !== '*'
  return isOne ? `${dashboard}/services/${encodeURIComponent(event.service)}` : `${dashboard}/`
}

/** What a command is told, by variables: text in them is text, whatever stands in it. */
export function variables(message: Message, source: string): Record<string, string> {
  const { told, event } = message
  // An operating system ends a variable at a zero byte.
  const plain = (text: string) => text.replaceAll('\0', ' ')
  return {
    BERYL_TOLD: told,
    BERYL_EVENT_ID: String(event.id),
    BERYL_SERVICE: plain(event.service),
    BERYL_RELEASE: event.release ?? '',
    BERYL_BY: plain(event.by),
    BERYL_TEXT: plain(short(event.text)),
    BERYL_NEXT: plain(nextOf(message)),
    BERYL_LINK: linkOf(message),
    BERYL_EVENT: plain(cloudEvent(message, source).body),
  }
}

function unfreezeOf(service: string): string {
  return service === '*' ? 'beryl unfreeze' : `beryl unfreeze ${service}`
}

function short(text: string): string {
  return text.length <= textMax ? text : `${text.slice(0, textMax - 1)}…`
}

/** What Slack would read as a link, a mention or its own marks. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
