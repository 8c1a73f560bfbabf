/** Who listens on a port. Linux only (proc(5)), and only processes of this user can be seen into; elsewhere nobody is known. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** State of a socket in /proc/net/tcp: listening. */
const listening = '0A'

/** @returns e.g. `pid 4711 (python serve.py)`; null where it is not known */
export function portHolder(port: number): string | null {
  const sockets = new Set(['tcp', 'tcp6'].flatMap((table) => inodesOf(table, port)))
  if (sockets.size === 0) return null
  for (const pid of entries('/proc').filter((name) => /^\d+$/.test(name)))
    if (entries(`/proc/${pid}/fd`).some((fd) => sockets.has(linkOf(`/proc/${pid}/fd/${fd}`))))
      return `pid ${pid} (${commandOf(pid)})`
  return null
}

/** `socket:[inode]`, as links in /proc/PID/fd name it. */
function inodesOf(table: string, port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return read(`/proc/net/${table}`)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${hex}`) === true && fields[3] === listening)
    .map((fields) => `socket:[${fields[9]}]`)
}

const commandMax = 80

function commandOf(pid: string): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim().slice(0, commandMax)
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}
