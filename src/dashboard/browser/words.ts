/** Numbers and times as people read them. Sentences come from the API: they are the same in the CLI. */

export function count(number: number, what: string): string {
  return `${whole(number)} ${what}${number === 1 ? '' : 's'}`
}

/** `12,345` */
export function whole(number: number): string {
  return Math.round(number)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',')
}

export function percent(share: number): string {
  const value = share * 100
  return `${value === 0 || value >= 10 ? Math.round(value) : value.toPrecision(2)} %`
}

/** `4.0 ms`, `1.2 s`, `8 s`, `3 min`, `2.5 h`, `3 days` */
export function duration(ms: number): string {
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 10) return `${seconds.toFixed(1).replace('.0', '')} s`
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  if (seconds < 36 * 3600) return `${Math.round(seconds / 360) / 10} h`
  return `${Math.round(seconds / 86400)} days`
}

/** For something that runs: whole seconds, so that it does not flicker. */
export function running(ms: number): string {
  return ms < 90_000 ? `${Math.max(0, Math.floor(ms / 1000))} s` : duration(ms)
}

export function ago(at: number, now: number): string {
  return now - at < 5000 ? 'just now' : `${running(now - at)} ago`
}

/** Local time, as the viewer's clock has it. */
export function clockTime(at: number, now: number): string {
  const date = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return new Date(now).toDateString() === date.toDateString() ? time : `${day} ${time}`
}

export type Cost = {
  replicaHours: number
  placeHours?: number | undefined
  money: number | null
  currency: string | null
}

export function cost({ replicaHours, placeHours, money, currency }: Cost): string {
  const places = placeHours === undefined ? '' : ` and ${placeHours.toPrecision(2)} place-hours`
  const hours = `${replicaHours.toPrecision(2)} replica-hours${places}`
  return money === null ? hours : `${hours} = ${amount(money)} ${currency ?? ''}`.trim()
}

function amount(money: number): string {
  return money < 0.01 ? money.toPrecision(2) : money.toFixed(2)
}

export function rate(perSecond: number): string {
  return `${perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : whole(perSecond)}/s`
}

/** A line that nobody reads to its end is cut; all of it stands in `otherLines`. */
const lineMax = 400

export function firstLine(text: string): string {
  const line = text.split('\n')[0] ?? ''
  return line.length <= lineMax ? line : `${line.slice(0, lineMax)} …`
}

/** What the first line leaves out: the last lines of a log, mostly. */
export function otherLines(text: string): string {
  const [line = '', ...others] = text.split('\n')
  return (line.length <= lineMax ? others : [line, ...others]).join('\n')
}
