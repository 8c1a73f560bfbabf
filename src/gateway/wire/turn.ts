/**
 * What was written in one turn of the loop goes out together at its end. Each write to a socket wakes whoever waits at its other
 * end: one by one, between the reads, they wake, find one message, and sleep again, and the machine changes between processes
 * with each message. Nothing waits longer than the turn in which it was written, nor behind more than `turnMax` others.
 */
export type Written = { writeOut(): unknown }

const turnMax = 64

let written: Written[] = []

/** @param one has something to write, and is not in already */
export function atEndOfTurn(one: Written): void {
  const count = written.push(one)
  if (count === 1) setImmediate(writeAll)
  else if (count >= turnMax) writeAll()
}

function writeAll(): void {
  const now = written
  written = []
  for (const one of now) one.writeOut()
}
