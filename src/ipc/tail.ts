/** The end of what a program prints: however much that is, memory holds little of it. */
const keptMaxBytes = 64 * 1024

export function openTail() {
  let chunks: Buffer[] = []
  let size = 0

  return {
    add(chunk: Buffer): void {
      chunks.push(chunk)
      size += chunk.length
      if (size <= 2 * keptMaxBytes) return
      const kept = Buffer.concat(chunks).subarray(-keptMaxBytes)
      chunks = [Buffer.from(kept)]
      size = kept.length
    },
    text,
    /** The last lines that say something, in one. */
    lines: (count: number): string =>
      text()
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
        .slice(-count)
        .join(' · '),
  }

  /** Without what only moves a terminal's cursor or colours it. */
  function text(): string {
    return Buffer.concat(chunks)
      .subarray(-keptMaxBytes)
      .toString()
      .replace(escapes, '')
      .replace(controls, '')
  }
}

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const escapes = /\u001b(\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(\u0007|\u001b\\)?|[@-_])/g
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f]/g
