/**
 * The memory that all workers share. One word per service says by which generation it is routed: storing it is the switch.
 * In-flight counts are one row per worker; a claim adds to its own row and reads the sum of the column. Main clears the row
 * of a worker that died, and alone decides health.
 */
export const servicesMax = 16_384
export const replicaSlotsMax = 32_768

export type Shared = {
  /** Generation of each service, modulo 2³². */
  generations: Int32Array
  /** Requests assigned to each service, over all workers, modulo 2³². */
  assigned: Int32Array
  /** `[worker * replicaSlotsMax + slot]` */
  inFlight: Int32Array
  /** 0 healthy, 1 ejected. */
  ejected: Int32Array
  /** Failures in a row. */
  failures: Int32Array
  /** By the place of a queue: rises when a replica of its environment has become free; who waits, waits on this word. */
  freed: Int32Array
  /** By service: requests whose number lies before this one are not noted (observations are dropped in whole ranges). */
  skipUntil: Int32Array
  /** 1 while main holds so many observations that it takes no more. */
  full: Int32Array
  /** 1 while another gateway stores a way back that this one is to store after it: no request is begun meanwhile. */
  hold: Int32Array
  workers: number
}

export type SharedBuffers = {
  generations: SharedArrayBuffer
  assigned: SharedArrayBuffer
  inFlight: SharedArrayBuffer
  ejected: SharedArrayBuffer
  failures: SharedArrayBuffer
  freed: SharedArrayBuffer
  skipUntil: SharedArrayBuffer
  full: SharedArrayBuffer
  hold: SharedArrayBuffer
  workers: number
}

export function makeShared(workers: number): SharedBuffers {
  const words = (count: number) => new SharedArrayBuffer(count * 4)
  return {
    generations: words(servicesMax),
    assigned: words(servicesMax),
    inFlight: words(workers * replicaSlotsMax),
    ejected: words(replicaSlotsMax),
    failures: words(replicaSlotsMax),
    freed: words(replicaSlotsMax),
    skipUntil: words(servicesMax),
    full: words(1),
    hold: words(1),
    workers,
  }
}

export function openShared(buffers: SharedBuffers): Shared {
  return {
    generations: new Int32Array(buffers.generations),
    assigned: new Int32Array(buffers.assigned),
    inFlight: new Int32Array(buffers.inFlight),
    ejected: new Int32Array(buffers.ejected),
    failures: new Int32Array(buffers.failures),
    freed: new Int32Array(buffers.freed),
    skipUntil: new Int32Array(buffers.skipUntil),
    full: new Int32Array(buffers.full),
    hold: new Int32Array(buffers.hold),
    workers: buffers.workers,
  }
}

/** Longer than the way back takes to be stored elsewhere, a disk sync included; then requests are begun all the same. */
export const holdMaxMs = 1000

export function holdRequests({ hold }: Shared): void {
  Atomics.store(hold, 0, 1)
}

export function letRequestsGo({ hold }: Shared): void {
  Atomics.store(hold, 0, 0)
  Atomics.notify(hold, 0)
}

/** In a worker: the whole of it waits, so that nothing needs to be acknowledged. Never while one gateway lives. */
export function waitWhileHeld({ hold }: Shared): void {
  if (Atomics.load(hold, 0) === 1) Atomics.wait(hold, 0, 1, holdMaxMs)
}

/** Requests in flight on a replica, over all workers. */
export function inFlightOf({ inFlight, workers }: Shared, slot: number): number {
  let sum = 0
  for (let worker = 0; worker < workers; worker++)
    sum += Atomics.load(inFlight, worker * replicaSlotsMax + slot)
  return sum
}
