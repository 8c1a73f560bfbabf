import type { Now } from './release.ts'

/**
 * Seconds since a moment, by the clock that nobody sets. After a reboot that clock begins again below
 * the moment; then wall time is all there is, and it is never allowed to run backwards.
 */
export function elapsedS(since: Now, now: Now): number {
  if (now.up >= since.up) return now.up - since.up
  return Math.max(0, (now.wall - since.wall) / 1000)
}

/** 90 → `1m 30s`, for sentences. */
export function seconds(amount: number): string {
  const whole = Math.max(0, Math.round(amount))
  if (amount < 10) return `${Math.max(0, Math.round(amount * 10) / 10)}s`
  if (whole < 60) return `${whole}s`
  const [hours, minutes, rest] = [
    Math.floor(whole / 3600),
    Math.floor((whole % 3600) / 60),
    whole % 60,
  ]
  if (hours > 0) return minutes > 0 ? `${hours}h ${minutes}m` : `${hours}h`
  return rest > 0 ? `${minutes}m ${rest}s` : `${minutes}m`
}
