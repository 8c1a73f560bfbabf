/** `beryl watch SERVICE`: the service as it is, full-screen on a terminal; in a pipe a line for each thing that happens. */
import { apiClient, reach } from '../../api/client.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { nextStep } from '../../api/next-step.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { writeLine } from '../output.ts'
import { fullScreen } from '../full-screen.ts'
import { watchScreen } from '../watch-screen.ts'
import { time } from '../describe.ts'

const pollMs = 500
/** What happened lately, below the service. */
const eventsShown = 30

export async function watch(globals: Globals, service: string): Promise<number> {
  const api = apiClient(reach(globals))
  // Asked once before anything is drawn: a name that is none is an error, not a screen.
  let view = await api.service(service)
  let events = await lately(api, service)
  if (!process.stdout.isTTY || globals.json) return inPipe()

  const screen = fullScreen(process.stdout, process.stdin)
  let trouble: string | null = null
  const draw = () => {
    const next = view.release === null ? `beryl deploy ${service} VERSION` : nextStep(view.release)
    screen.draw((size) => watchScreen(view, { events, next, trouble, now: Date.now(), ...size }))
  }
  screen.resized(draw)
  try {
    while (!screen.isOver()) {
      draw()
      await Promise.race([pause(), screen.over])
      if (screen.isOver()) break
      try {
        view = await api.service(service)
        events = [...events, ...(await api.events(events.at(-1)?.id ?? 0, service))].slice(
          -eventsShown,
        )
        trouble = null
      } catch (error) {
        if (!(error instanceof ProblemError) || error.problem.code !== 'unreachable') throw error
        trouble = error.problem.title
      }
    }
  } finally {
    screen.close()
  }
  return exitCodes.done

  /** From now on, until somebody ends it. */
  async function inPipe(): Promise<number> {
    let last = events.at(-1)?.id ?? 0
    for (;;) {
      const found = await api.events(last, service).catch((error: unknown) => {
        if (error instanceof ProblemError && error.problem.code === 'unreachable') return []
        throw error
      })
      for (const event of found) {
        const [first = ''] = event.text.split('\n')
        await writeLine(
          globals.json
            ? JSON.stringify(event)
            : `${time(event.at)}  ${event.by.padEnd(8)} ${first}`,
        )
        last = event.id
      }
      await pause()
    }
  }
}

/** The newest events of it: the record is read from its release's beginning on, or not at all. */
async function lately(api: ReturnType<typeof apiClient>, service: string) {
  const [newest] = await api.history(service, 1)
  if (newest === undefined) return api.events(0, service)
  const { events } = await api.report(newest.id)
  return events.slice(-eventsShown)
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, pollMs))
}
