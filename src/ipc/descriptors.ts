/**
 * Passes bound sockets between processes over a Unix socket (SCM_RIGHTS, unix(7)): who takes them holds the same sockets, with the
 * connections that wait in them. Node offers this to a child only, so this is a private door of ours, and `canPass` says whether it
 * is there. Within one process it makes copies: a worker closes what it listened on when it ends.
 */
import { chmod, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { asideOf } from './data-directory.ts'

type Pipe = {
  open(fd: number): number
  connect(request: object, path: string): number
  readStart(): number
  writeUtf8String(request: object, text: string, handle?: TcpHandle): number
  close(): void
  onread: (bytes?: ArrayBuffer) => void
  pendingHandle: TcpHandle | null
}
type TcpHandle = { fd: number; open(fd: number): number; close(): void }
type Made<Thing> = new (kind: number) => Thing
type Door = {
  Pipe: Made<Pipe>
  ipc: number
  Tcp: Made<TcpHandle>
  bound: number
  Connect: new () => { oncomplete: (status: number) => void }
  Write: new () => { oncomplete: (status: number) => void; async: boolean }
}

const door = doorOf()

export function canPass(): boolean {
  return process.platform === 'linux' && door !== null
}

export type Taken<About> = {
  /** What its owner says of them. */
  about: About
  /** In the order in which they were offered. */
  sockets: readonly { fd: number; close(): void }[]
}

export type Offer = {
  /** Where they are offered now: aside, until they take their place. */
  at(): string
  /** In one step, instead of whoever offered others there. */
  place(): Promise<void>
  close(): void
}

/** Between two descriptors. */
const silenceMs = 2000

/**
 * Everybody who connects is given copies of all of them. Only this user may.
 *
 * @param fds bound sockets that this thread never accepts on; they stay open
 */
export async function offerDescriptors(
  path: string,
  fds: readonly number[],
  about: unknown,
): Promise<Offer> {
  const { Tcp, bound } = door!
  const handles = fds.map((fd) => {
    const handle = new Tcp(bound)
    const error = handle.open(fd)
    if (error !== 0)
      throw new Error(`descriptor ${fd} is no socket that can be handed on (${error})`)
    return handle
  })
  const aside = asideOf(path)
  let server = await listen()
  let at = aside
  return {
    at: () => at,
    place: async () => {
      // It was placed before, and another one since.
      if (at === path) server = await listen()
      await rename(aside, path)
      at = path
    },
    close: () => server.close(),
  }

  async function listen(): Promise<Server> {
    const opened = createServer({ pauseOnConnect: true }, (socket) => give(socket, handles, about))
    await rm(aside, { force: true })
    await new Promise<void>((resolve, reject) => {
      opened.once('error', reject)
      opened.listen(aside, resolve)
    })
    await chmod(aside, 0o600)
    return opened.unref()
  }
}

/** One after the other, each once the one before has arrived: a read brings one descriptor at most. */
function give(socket: Socket, handles: readonly TcpHandle[], about: unknown): void {
  const { Pipe, ipc } = door!
  const held = socket as unknown as { _handle: { fd: number } | null }
  const pipe = new Pipe(ipc)
  pipe.open(held._handle!.fd)
  // From here on it is the pipe's.
  held._handle = null
  const late = setTimeout(() => pipe.close(), silenceMs * (handles.length + 1)).unref()
  const end = () => {
    clearTimeout(late)
    pipe.close()
  }
  let next = 0
  const send = () => {
    const isLast = next === handles.length
    const text = isLast ? '' : next === 0 ? JSON.stringify({ count: handles.length, about }) : '+'
    if (isLast || !write(pipe, `${text}\n`, handles[next++])) end()
  }
  pipe.onread = (bytes) => (bytes === undefined ? end() : send())
  pipe.readStart()
  send()
}

/** @throws when nobody offers them there, or not in time */
export function takeDescriptors<About>(path: string): Promise<Taken<About>> {
  const { Pipe, ipc, Connect } = door!
  const pipe = new Pipe(ipc)
  const sockets: TcpHandle[] = []
  let text = ''
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(late)
      pipe.close()
      for (const socket of sockets) socket.close()
      reject(new Error(`no sockets were handed over at ${path}: ${why}`))
    }
    const late = setTimeout(() => fail(`silent for ${silenceMs} ms`), silenceMs)
    const request = new Connect()
    request.oncomplete = (status) => {
      if (status !== 0) return fail(`nobody answers (errno ${-status})`)
      pipe.readStart()
    }
    pipe.onread = (bytes) => {
      const { pendingHandle } = pipe
      pipe.pendingHandle = null
      if (pendingHandle !== null && pendingHandle !== undefined) sockets.push(pendingHandle)
      if (bytes === undefined) return fail('it ended in the middle')
      text += Buffer.from(bytes).toString()
      const end = text.indexOf('\n')
      if (end === -1) return
      late.refresh()
      const said = readHead<About>(text.slice(0, end))
      if (said === null) return fail('it says something else')
      const { count, about } = said
      if (sockets.length < count) {
        if (!write(pipe, '+')) fail('it takes no answer')
        return
      }
      clearTimeout(late)
      pipe.close()
      resolve({
        about,
        sockets: sockets.map((socket) => ({ fd: socket.fd, close: () => socket.close() })),
      })
    }
    const error = pipe.connect(request, path)
    // libuv says most of it later; what it says at once is said the same way.
    if (error !== 0 && error !== undefined) fail(`errno ${-error}`)
  })
}

function readHead<About>(line: string): { count: number; about: About } | null {
  try {
    return JSON.parse(line) as { count: number; about: About }
  } catch {
    return null
  }
}

function write(pipe: Pipe, text: string, handle?: TcpHandle): boolean {
  const request = new door!.Write()
  request.oncomplete = () => {}
  return pipe.writeUtf8String(request, text, handle) === 0
}

function doorOf(): Door | null {
  try {
    const { binding } = process as unknown as {
      binding: (name: string) => Record<string, unknown>
    }
    const [pipe, tcp, stream] = ['pipe_wrap', 'tcp_wrap', 'stream_wrap'].map((one) => binding(one))
    const found = {
      Pipe: pipe!['Pipe'],
      ipc: (pipe!['constants'] as { IPC: number }).IPC,
      Tcp: tcp!['TCP'],
      bound: (tcp!['constants'] as { SERVER: number }).SERVER,
      Connect: pipe!['PipeConnectWrap'],
      Write: stream!['WriteWrap'],
    }
    return Object.values(found).includes(undefined) ? null : (found as Door)
  } catch {
    return null
  }
}
