/** Looks whether the files have changed, and hands a new pair on once it is whole: a bad one is named, and the old one stays. */
import { statSync } from 'node:fs'
import { PairError, readPair } from './pair.ts'
import type { Pair, PairFiles } from './pair.ts'

/** Files that are moved into place, links that point elsewhere and network disks are all seen by looking; `watch` misses some. */
const lookMs = 1000

export type Watching = { close(): void }

/** @param present what is in use @param refused called once for each change that is of no use */
export function watchPair(
  files: PairFiles,
  present: Pair,
  { changed, refused }: { changed: (pair: Pair) => void; refused: (why: string) => void },
  everyMs = lookMs,
): Watching {
  let seen = marks(files)
  let inUse = present
  const clock = setInterval(() => {
    const now = marks(files)
    if (now === seen) return
    seen = now
    try {
      const pair = readPair(files)
      if (pair.cert === inUse.cert && pair.key === inUse.key) return
      inUse = pair
      changed(pair)
    } catch (error) {
      refused(error instanceof PairError ? error.message : 'the files cannot be read')
    }
  }, everyMs)
  clock.unref()
  return { close: () => clearInterval(clock) }
}

function marks({ cert, key }: PairFiles): string {
  return [cert, key]
    .map((file) => {
      const found = statSync(file, { throwIfNoEntry: false })
      return found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeMs}`
    })
    .join(', ')
}
