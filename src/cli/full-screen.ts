/**
 * The whole terminal, given back as it was: the alternate screen and the hidden cursor are left on `q`, Ctrl-C, SIGTERM, SIGHUP and
 * whatever else ends the process. Sequences: ECMA-48, xterm's private mode 1049.
 */
import type { ReadStream } from 'node:tty'

const enter = '\x1b[?1049h\x1b[?25l'
const leave = '\x1b[?25h\x1b[?1049l'
const home = '\x1b[H'
const clearLine = '\x1b[K'
const clearBelow = '\x1b[J'

export type Size = { columns: number; rows: number }
export type Output = {
  columns?: number
  rows?: number
  write(text: string): unknown
  on(event: 'resize', act: () => void): unknown
  off(event: 'resize', act: () => void): unknown
}
export type Input = Pick<ReadStream, 'isTTY' | 'on' | 'off' | 'setRawMode' | 'resume' | 'pause'>

export type FullScreen = ReturnType<typeof fullScreen>

export function fullScreen(output: Output, input: Input) {
  let said = ''
  let isOver = false
  let isClosed = false
  let act: () => void = () => {}
  let end = () => {}
  const over = new Promise<void>((resolve) => {
    end = () => {
      isOver = true
      resolve()
    }
  })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  // In raw mode Ctrl-C is a character.
  const key = (chunk: Buffer) => {
    if (['q', 'Q', '\x03', '\x1b'].includes(chunk.toString())) end()
  }
  const resize = () => {
    said = ''
    act()
  }
  for (const signal of signals) process.on(signal, end)
  process.once('exit', close)
  output.on('resize', resize)
  if (input.isTTY) {
    input.setRawMode(true)
    input.on('data', key)
    input.resume()
  }
  output.write(enter)

  return {
    /** Settles when somebody has ended it. */
    over,
    isOver: () => isOver,
    resized: (next: () => void): void => void (act = next),
    /** Each line is as wide as the terminal at most. What is the same is not written again. */
    draw(lines: (size: Size) => readonly string[]): void {
      const size = { columns: output.columns ?? 80, rows: output.rows ?? 24 }
      const text = lines(size).slice(0, size.rows).join(`${clearLine}\r\n`)
      if (text === said || isClosed) return
      said = text
      output.write(`${home}${text}${clearLine}${clearBelow}`)
    },
    close,
  }

  function close(): void {
    if (isClosed) return
    isClosed = true
    process.off('exit', close)
    for (const signal of signals) process.off(signal, end)
    output.off('resize', resize)
    if (input.isTTY) {
      input.off('data', key)
      input.setRawMode(false)
      input.pause()
    }
    output.write(leave)
  }
}
