/** Follows a release to where the person can stop looking: live progress on a terminal, plain lines in a pipe. */
import type { ApiClient } from '../api/client.ts'
import type { ReleaseView } from '../api/shapes.ts'
import { ProblemError } from '../ipc/problem.ts'
import { isSettled } from './describe.ts'
import { progress } from './progress.ts'

const pollMs = 150
/** A controller that is being restarted is away for less than this. */
const patienceMs = 30_000

export type FollowOptions = {
  json: boolean
  timeoutS: number | null
  /** Follow on through `stabilizing`, to the end. */ toTheEnd: boolean
}

/** @returns the release as it was last seen; not over when the time was */
export async function follow(
  api: ApiClient,
  id: string,
  { json, timeoutS, toTheEnd }: FollowOptions,
): Promise<ReleaseView> {
  const until = timeoutS === null ? Infinity : Date.now() + timeoutS * 1000
  const print = json ? () => {} : progress(process.stdout)
  let release = await patiently(() => api.release(id), json)
  for (;;) {
    print(release)
    const settled = isSettled(release.phase) && !(toTheEnd && release.phase === 'stabilizing')
    if (settled || Date.now() >= until) break
    await new Promise((resolve) => setTimeout(resolve, pollMs))
    release = await patiently(() => api.release(id), json)
  }
  return release
}

/** A restart of the controller must not end the wait. */
async function patiently<Result>(ask: () => Promise<Result>, json: boolean): Promise<Result> {
  const until = Date.now() + patienceMs
  let told = false
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (
        !(error instanceof ProblemError) ||
        error.problem.code !== 'unreachable' ||
        Date.now() > until
      )
        throw error
      if (!told && !json) console.error('the API does not answer; waiting for it …')
      told = true
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
  }
}
