/**
 * One look for all who ask at the same time: with 200 services each loop would else ask the gateway for all of them. Whoever asks
 * gets a look that begins after it has asked, so that nobody sees what was before its own last change.
 */
export function shareLook<Found>(look: () => Promise<Found>): () => Promise<Found> {
  let now: Promise<Found> | null = null
  let next: Promise<Found> | null = null

  return () => {
    if (now === null) return (now = begin())
    next ??= now
      .catch(() => undefined)
      .then(() => {
        next = null
        return (now = begin())
      })
    return next
  }

  function begin(): Promise<Found> {
    const began = look().finally(() => {
      if (now === began) now = null
    })
    return began
  }
}
