/** `Mon-Thu 09:00-16:00 Europe/Paris` → minutes of the week, in the time of that place. A part of the manifest's schema. */
import { z } from 'zod'
import { nearest } from './nearest.ts'

const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const dayMinutes = 1440

const form =
  /^(?<days>[A-Z][a-z]{2}(?:[-,][A-Z][a-z]{2})*) (?<from>\d{2}:\d{2})-(?<to>\d{2}:\d{2}) (?<zone>[A-Za-z][\w+/-]*)$/

/** An end that is not after its start is on the next day: `Fri 22:00-02:00` ends on Saturday. */
export const window = z
  .string('expected a window such as "Mon-Thu 09:00-16:00 Europe/Paris"')
  .regex(
    form,
    'expected days, times and a time zone, such as "Mon-Thu 09:00-16:00 Europe/Paris" or "Mon,Wed 22:00-02:00 UTC"',
  )
  .transform((text, context) => {
    const { days: on, from, to, zone } = form.exec(text)!.groups as Record<string, string>
    const refuse = (message: string) => {
      context.addIssue(message)
      return z.NEVER
    }
    const named = daysOf(on!)
    if (typeof named === 'string') return refuse(named)
    const [start, end] = [minutesOf(from!), minutesOf(to!)]
    if (start === null || start === dayMinutes || end === null)
      return refuse('expected times from 00:00 to 24:00')
    if (start === end)
      return refuse(
        'expected an end that differs from the start: it would never open (00:00-24:00 is the whole day)',
      )
    if (!isZone(zone!))
      return refuse(
        `expected a time zone such as Europe/Paris or UTC${nearest(zone!, Intl.supportedValuesOf('timeZone'))}`,
      )
    const length = end > start ? end - start : end + dayMinutes - start
    const spans = named.map((day) => {
      const opens = day * dayMinutes + start
      return { from: opens, to: opens + length }
    })
    return { text, zone: zone!, spans }
  })

/** `Mon-Wed,Fri` → 0, 1, 2, 4; `Sat-Mon` goes round. Or what is wrong with it. */
function daysOf(text: string): number[] | string {
  const found = new Set<number>()
  for (const part of text.split(',')) {
    const [first, last = first, more] = part.split('-')
    const [from, to] = [days.indexOf(first!), days.indexOf(last!)]
    if (from < 0 || to < 0 || more !== undefined)
      return `expected days such as Mon-Thu or Mon,Wed, of ${days.join(', ')}`
    for (let day = from; ; day = (day + 1) % 7) {
      found.add(day)
      if (day === to) break
    }
  }
  return [...found].toSorted((a, b) => a - b)
}

function minutesOf(text: string): number | null {
  const [hours, minutes] = text.split(':').map(Number) as [number, number]
  const whole = hours * 60 + minutes
  return minutes < 60 && whole <= dayMinutes ? whole : null
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).format(0) !== ''
  } catch {
    return false
  }
}
