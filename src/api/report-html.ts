/** A release as one page that stands by itself: no script, nothing fetched, everything from outside escaped. Pure. */
import type { Event, ReleaseView } from './shapes.ts'
import { evidenceShown } from './report-evidence.ts'

type Gate = ReleaseView['gates'][number]
type Signal = NonNullable<ReleaseView['watch']>['evidence']['signals'][number]

export function reportHtml({
  release,
  events,
}: {
  release: ReleaseView
  events: readonly Event[]
}): string {
  const { id, service, version, from, cost } = release
  const title = `${service}: ${from === null ? '' : `${from} → `}${version} (${id})`
  const how = release.because ?? release.waitingFor ?? ''
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<header>
<p class="kind">${escaped(release.kind)} by ${escaped(release.by)}, ${time(release.at)}</p>
<h1>${escaped(title)}</h1>
<p><strong class="${escaped(release.phase)}">${escaped(release.phase)}</strong>${how === '' ? '' : `: ${escaped(how)}`}</p>
</header>
${facts(release)}
<section><h2>How it went</h2>${phases(events)}</section>
<section><h2>Gates</h2>${gates(release)}</section>
${release.watch === null ? '' : watch(release.watch)}
${cost === null ? '' : `<section><h2>Cost</h2><p>${escaped(cost.replicaHours.toFixed(3))} replica-hours${cost.money === null ? '' : ` = ${escaped(`${cost.money.toFixed(2)} ${cost.currency}`)}`}: what its own replicas have taken.</p></section>`}
<section><h2>The record</h2>${record(events)}</section>
</main>
</body>
</html>
`
}

function facts({ switched, rolledBack, digest, approvals, feedback }: ReleaseView): string {
  const rows = [
    ...(switched === null ? [] : [['switched', `${time(switched.at)}, in ${ms(switched.tookMs)}`]]),
    ...(rolledBack === null
      ? []
      : [
          [
            'rolled back',
            `${time(rolledBack.at)}, in ${ms(rolledBack.tookMs)}, by ${rolledBack.by}: ${rolledBack.why}`,
          ],
        ]),
    ...approvals.map(({ by, at, reason }) => [
      'approved',
      `by ${by}, ${time(at)}${reason === null ? '' : `: ${reason}`}`,
    ]),
    ...feedback.map(({ kind, count, mean }) => [
      `feedback: ${kind}`,
      `${count}${mean === null ? '' : `, mean ${mean.toFixed(3)}`}`,
    ]),
    ['digest', digest],
  ] as [string, string][]
  return `<dl>${rows.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join('')}</dl>`
}

/** A bar for each phase, as long as it lasted beside the others. */
function phases(events: readonly Event[]): string {
  const entered = events.filter(({ kind }) => kind === 'phase')
  const spans = entered.map(({ at, data }, index) => ({
    name: String(data['phase']),
    because: typeof data['because'] === 'string' ? data['because'] : '',
    // It lasts, or it is the end.
    ms: index + 1 < entered.length ? Math.max(0, entered[index + 1]!.at - at) : null,
  }))
  const longest = Math.max(1, ...spans.map((span) => span.ms ?? 0))
  const rows = spans.map(
    (span) =>
      `<tr><th>${escaped(span.name)}</th><td class="time">${span.ms === null ? '' : ms(span.ms)}</td><td><svg width="160" height="10" aria-hidden="true"><rect width="${Math.max(2, (160 * (span.ms ?? 0)) / longest).toFixed(0)}" height="10"/></svg></td><td>${escaped(span.because)}</td></tr>`,
  )
  return rows.length === 0 ? '<p>It has not begun.</p>' : `<table>${rows.join('')}</table>`
}

function gates({ gates: taken, leftOut }: ReleaseView): string {
  const rows = taken.map((gate) => gateRow(gate))
  const left = leftOut.map(
    ({ name, because }) =>
      `<tr><th>${escaped(name)}</th><td>left out</td><td>${escaped(because)}</td></tr>`,
  )
  return rows.length + left.length === 0
    ? '<p>The manifest asks for none.</p>'
    : `<table>${[...rows, ...left].join('')}</table>`
}

function gateRow(gate: Gate): string {
  if (gate.state !== 'decided')
    return `<tr><th>${escaped(gate.name)}</th><td>${escaped(gate.state)}</td><td></td></tr>`
  const evidence = `<details><summary>all evidence</summary><pre>${escaped(JSON.stringify(gate.evidence, null, 2))}</pre></details>`
  return `<tr><th>${escaped(gate.name)}</th><td class="word ${gate.verdict}">${gate.verdict}</td><td>${escaped(gate.because)}${evidenceShown(gate.evidence, escaped)}${evidence}</td></tr>`
}

function watch({ decision, because, evidence }: NonNullable<ReleaseView['watch']>): string {
  const rows = evidence.signals.map((signal) => signalRow(signal))
  return `<section><h2>Is it worse?</h2><p><strong>${escaped(decision)}</strong>: ${escaped(because)}</p>
<table><tr><th>signal</th><th>it is worse</th><th>it is no worse</th><th>seen, and against what</th></tr>${rows.join('')}</table>
<p>${evidence.total} answers judged, ${evidence.bad} bad, ${evidence.void} lost by Beryl. A version that is not worse is rolled back in at most ${percent(evidence.falseRollbackRisk)} of releases.</p></section>`
}

function signalRow(signal: Signal): string {
  const bar = (share: number | null) =>
    share === null
      ? 'not by this comparison'
      : `<svg width="120" height="10" aria-hidden="true"><rect class="rest" width="120" height="10"/><rect width="${(120 * Math.min(1, share)).toFixed(0)}" height="10"/></svg> ${percent(share)} of what is needed`
  return `<tr><th>${escaped(signal.signal)}${signal.required ? ' (required)' : ''}</th><td>${bar(signal.rollbackEvidence)}</td><td>${bar(signal.promotionEvidence)}</td><td>${escaped(signal.said)}, against ${escaped(signal.comparedWith)} (${escaped(signal.design)})</td></tr>`
}

function record(events: readonly Event[]): string {
  const rows = events.map(
    ({ at, by, text }) =>
      `<tr><td class="time">${time(at)}</td><td class="word">${escaped(by)}</td><td>${escaped(text)}</td></tr>`,
  )
  return `<table>${rows.join('')}</table>`
}

function escaped(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (one) => names[one]!).replaceAll("'", '&#39;')
}

function time(at: number): string {
  return new Date(at).toISOString().replace('T', ' ').slice(0, 19)
}

function ms(value: number): string {
  if (value < 1000) return `${value.toFixed(value < 10 ? 1 : 0)} ms`
  return value < 120_000 ? `${(value / 1000).toFixed(1)} s` : `${(value / 60_000).toFixed(1)} min`
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`
}

const style = `
:root { color-scheme: light dark; --ink: #17211e; --dim: #5c6b66; --line: #d9dedc; --bar: #0f6b52; --rest: #e6eae8; --bad: #b3261e; --paper: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #e4ebe8; --dim: #9aa8a3; --line: #33403b; --bar: #4fbf9b; --rest: #26302c; --bad: #ff8a80; --paper: #121816 } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem }
h1 { font-size: 1.6rem; margin: 0 0 .5rem } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
.kind, .time { color: var(--dim) } .time { white-space: nowrap }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem } dt { color: var(--dim) } dd { margin: 0; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere } th { font-weight: 600; white-space: nowrap }
rect { fill: var(--bar) } rect.rest { fill: var(--rest) }
.word { overflow-wrap: normal }
.examples { font-size: .85rem; margin: .5rem 0; width: auto } .examples caption { text-align: left; color: var(--dim) } .examples td { min-width: 3rem; max-width: 18rem }
.fail, .rejected, .rolled-back { color: var(--bad) } .pass, .finished { color: var(--bar) }
pre { overflow-x: auto; font-size: .8rem } summary { color: var(--dim); cursor: pointer }
@media (max-width: 40rem) { svg { width: 3.5rem } }
@media print { details { display: none } }
`
