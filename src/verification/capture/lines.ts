/** Lines of a text, without what ends them: their number stays the same, whatever becomes of each. */
export function mapLines<Value>(text: string, map: (line: string) => Value): Value[] {
  return text.split(/\r\n|\n|\r/).map(map)
}

/**
 * When did each piece of a text come, after its lines were changed? A line came with its last byte.
 * @param pieces flat pairs of the text as it was: ms, bytes
 */
export function piecesAfter(
  before: Buffer,
  after: Buffer,
  pieces: readonly number[],
): readonly number[] {
  if (pieces.length <= 2 || before.equals(after))
    return pieces.length === 2 ? [pieces[0]!, after.length] : pieces
  const [old, lines] = [lengthsOf(before), lengthsOf(after)]
  // It was spelled anew, as JSON is: all of it came when its end came.
  if (old.length !== lines.length) return [pieces.at(-2)!, after.length]
  const found: number[] = []
  let [piece, pieceEnd, lineEnd] = [0, pieces[1]!, 0]
  for (const [index, length] of lines.entries()) {
    lineEnd += old[index]!
    while (lineEnd > pieceEnd && piece + 2 < pieces.length) {
      piece += 2
      pieceEnd += pieces[piece + 1]!
    }
    const ms = pieces[piece]!
    if (found.at(-2) === ms) found[found.length - 1]! += length
    else found.push(ms, length)
  }
  return found
}

/** Bytes of each line, with what ends it. */
function lengthsOf(text: Buffer): number[] {
  const lines = text.toString().split(/(?<=\r\n|\n|\r(?!\n))/)
  return (lines.at(-1)?.match(/[\r\n]$/) == null ? lines : [...lines, '']).map((line) =>
    Buffer.byteLength(line),
  )
}
