/** What a command is about: a service by its name, a release by its id, or what is meant by either. */
import { nearest } from '../config/nearest.ts'
import { ProblemError } from '../ipc/problem.ts'
import { isEnd } from '../release/release.ts'
import type { Release, Service } from '../release/release.ts'
import type { Refusal } from '../release/release-can.ts'
import type { Rows } from './rows.ts'
import type { ControllerStore } from './store.ts'

export function findIn({
  rows,
  store,
}: {
  rows: Pick<Rows, 'names' | 'find'>
  store: Pick<ControllerStore, 'services'>
}) {
  return { present, everKnown, findService, findRelease, findServiceOrRelease, findTarget }

  /** What is being taken away is unknown from then on. */
  function present(name: string): Service | null {
    const service = rows.find(name)
    return service?.removing === undefined ? service : null
  }

  /** Its record is there for as long as it is kept, also of one that was taken away. */
  function everKnown(name: string): string {
    return rows.find(name)?.name ?? findService(name).name
  }

  function findService(name: string): Service {
    const service = present(name)
    if (service !== null) return service
    throw new ProblemError({
      status: 404,
      code: 'no-such-service',
      title: `there is no service ${name}${nearest(name, rows.names())}`,
      hint: `services: ${rows.names().join(', ')}`,
    })
  }

  function findRelease(id: string): Release {
    const service = rows
      .names()
      .map((name) => rows.find(name)!)
      .find(({ release, queued }) => release?.id === id || queued?.id === id)
    const release =
      [service?.release, service?.queued].find((one) => one?.id === id) ??
      store.services.release(id)
    if (release) return release
    throw new ProblemError({
      status: 404,
      code: 'no-such-release',
      title: `there is no release ${id}${newest()}`,
      hint: `beryl history ${rows.names().length === 1 ? rows.names()[0] : 'SERVICE'} lists them`,
    })
  }

  function newest(): string {
    const ids = rows.names().flatMap((name) => store.services.releases(name, 1).map(({ id }) => id))
    const last = ids.toSorted((a, b) => Number(b.slice(1)) - Number(a.slice(1)))[0]
    return last === undefined ? '; there is none yet' : `; the newest is ${last}`
  }

  function findServiceOrRelease(target: string): { service: Service; release: Release | null } {
    const service = present(target)
    if (service !== null) return { service, release: null }
    if (!/^r\d+$/.test(target)) return { service: findService(target), release: null }
    const release = findRelease(target)
    return { service: findService(release.service), release }
  }

  /** The release that a command is about: the one named, or the active one of the service. */
  function findTarget(target: string): { service: Service; release: Release } {
    const { service, release } = findServiceOrRelease(target)
    const found = release ?? service.release
    if (found === null) {
      throw refused({
        code: 'no-release',
        reason: `no release of ${service.name} is running`,
        hint: `beryl deploy ${service.name} VERSION`,
      })
    }
    if (isEnd(found.phase)) {
      throw refused({
        code: 'wrong-phase',
        reason: `${found.id} has ended: it is ${found.phase.name}`,
        hint: `beryl status ${service.name}`,
      })
    }
    return { service, release: found }
  }
}

export function refused({ code, reason, hint }: Refusal): ProblemError {
  return new ProblemError({ status: 409, code, title: reason, hint })
}
