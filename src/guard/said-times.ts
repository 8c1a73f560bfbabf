/** Spans and rates in words, for people. */

export function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  if (seconds < 129_600) return `${Math.round(seconds / 360) / 10} h`
  return `${Math.round(seconds / 8640) / 10} days`
}

export function rateText(perSecond: number, what = 'requests'): string {
  return perSecond >= 1
    ? `${Math.round(perSecond * 10) / 10} ${what} a second`
    : `${Math.round(perSecond * 36_000) / 10} ${what} an hour`
}
