/**
 * A model server's own controls stand on the port that clients are sent to. However their path is written, no client reaches them.
 * Pure.
 */
import { isUnder, plainPath } from '../ipc/plain-path.ts'

/** @param target origin-form, as it came @param hidden paths, e.g. `/sleep` */
export function isHidden(target: string, hidden: readonly string[]): boolean {
  if (hidden.length === 0) return false
  const path = plainPath(target)
  // What cannot be read is not sent to a server that may read it otherwise.
  return path === null || hidden.some((one) => isUnder(path, one))
}
