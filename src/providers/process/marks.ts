/**
 * Every process of a replica carries `BERYL_REPLICA=<id>`, and so does whatever it starts: by this mark they are found
 * when nobody wrote them down, or when the one that was written down died before its children. Linux only (proc(5)).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { identityOf } from '../../ipc/identity.ts'
import type { Identity } from '../../ipc/identity.ts'

export const markName = 'BERYL_REPLICA'

export type Member = { identity: Identity; group: number; session: number }

export function marked(id: string): Member[] {
  return membersOf(id, null)
}

/** Children inherit the mark: the leader of the session is the one that was started. */
export function markedLeader(id: string): Identity | null {
  return marked(id).find(({ identity, session }) => identity.pid === session)?.identity ?? null
}

/**
 * Reads all of /proc: a few milliseconds, for the rare moments of an end or an adoption.
 *
 * @param group also who is in this group without the mark; only for a group whose leader was just seen to be ours
 */
export function membersOf(id: string, group: number | null): Member[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const member = memberOf(Number(name))
      const ours =
        member !== null && ((group !== null && member.group === group) || hasMark(name, id))
      return ours ? [member] : []
    })
}

function memberOf(pid: number): Member | null {
  const identity = identityOf(pid)
  if (identity === null) return null
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // After the command name, which may hold anything: state, parent, group, session.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { identity, group: Number(fields[2]), session: Number(fields[3]) }
  } catch {
    return null
  }
}

function hasMark(pid: string, id: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${markName}=${id}`)
  } catch {
    return false
  }
}
