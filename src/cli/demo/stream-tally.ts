/** Counts of short requests and long streams, from the client's side. */
import type { Answered } from './tally.ts'

export type Streamed = Answered & { endedAt: number }

export type StreamCounts = {
  total: number
  byVersion: Record<string, { answers: number; streams: number; failed: number }>
  /** No whole answer came, or one that no version gave; a stream that ended early is one. */
  lost: number
  problems: readonly string[]
  /** By version, the beginning of what it wrote. */
  samples: Record<string, string>
}

/** `answers` and `streams` are told at the end. */
export type StreamMessage = {
  counts: StreamCounts
  answers: readonly Answered[]
  streams: readonly Streamed[]
}

const problemsMax = 10
const sampleLength = 90

export class StreamTally {
  private total = 0
  private lost = 0
  private readonly problems: string[] = []
  private readonly byVersion: StreamCounts['byVersion'] = {}
  private readonly samples: Record<string, string> = {}
  private readonly answers: Answered[] = []
  private readonly streams: Streamed[] = []

  answered(answer: Answered, status: number): void {
    this.total++
    this.answers.push(answer)
    const counts = this.of(answer.version)
    if (status >= 400) counts.failed++
    else counts.answers++
  }

  /** A stream that came to its end. @param text its events */
  streamed(stream: Streamed, text: string): void {
    this.total++
    this.answers.push(stream)
    this.streams.push(stream)
    this.of(stream.version).streams++
    this.samples[stream.version] ??= wordsIn(text)
  }

  lostOne(why: string): void {
    this.total++
    this.lost++
    if (this.problems.length < problemsMax) this.problems.push(why)
  }

  message(whole: boolean): StreamMessage {
    const { total, lost, problems, byVersion, samples } = this
    return {
      counts: structuredClone({ total, lost, problems, byVersion, samples }),
      answers: whole ? this.answers : [],
      streams: whole ? this.streams : [],
    }
  }

  private of(version: string) {
    return (this.byVersion[version] ??= { answers: 0, streams: 0, failed: 0 })
  }
}

/** Streams that began before a moment and ended after it. */
export function acrossAt(streams: readonly Streamed[], at: number): readonly Streamed[] {
  return streams.filter(({ answeredAt, endedAt }) => answeredAt < at && endedAt > at)
}

function wordsIn(events: string): string {
  const pieces = [...events.matchAll(/^data: (\{.*\})$/gm)].map(([, json]) => {
    const { choices } = JSON.parse(json!) as { choices: { delta: { content?: string } }[] }
    return choices[0]?.delta.content ?? ''
  })
  return pieces.join('').replaceAll(/\s+/g, ' ').trim().slice(0, sampleLength)
}
