/** What the demo prints, and what it holds Beryl to. */
import { firstLine, paint } from '../output.ts'

export class Script {
  readonly failures: string[] = []
  private readonly rows: Record<string, string> = {}
  private readonly checks: { what: string; held: boolean; found: string }[] = []
  private readonly begun = performance.now()
  private number = 0

  private readonly stream: NodeJS.WriteStream

  /** @param stream where the story is told; with `--json` standard output is for the document only */
  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.stream = stream
  }

  /** The whole of it, for programs. */
  document() {
    const { failures, rows, checks } = this
    return { happened: failures.length === 0, seconds: this.seconds(), checks, rows, failures }
  }

  step(title: string): void {
    this.line(`\n${paint('dim', this.clock())} ${paint('bold', `${++this.number}. ${title}`)}`)
  }

  note(text: string): void {
    this.line(`       ${paint('dim', firstLine(text))}`)
  }

  /** Prints what was found; what is not so makes the demo fail. */
  check(what: string, held: boolean, found: string): void {
    this.line(
      `     ${held ? paint('green', '✓') : paint('red', '✗')} ${what}${found === '' ? '' : `: ${firstLine(found)}`}`,
    )
    this.checks.push({ what, held, found: firstLine(found) })
    if (!held) this.failures.push(`${what} (${firstLine(found)})`)
  }

  fail(message: string): void {
    this.line(`     ${paint('red', '✗')} ${message}`)
    this.failures.push(firstLine(message))
  }

  row(what: string, value: string): void {
    this.rows[what] = value
    this.line(`     ${what.padEnd(46)} ${value}`)
  }

  end(): void {
    this.line(
      `\n${this.failures.length === 0 ? paint('green', 'All of it happened') : paint('red', `${this.failures.length} things did not happen`)}, in ${this.seconds().toFixed(0)} s.`,
    )
  }

  line(text: string): void {
    this.stream.write(`${text}\n`)
  }

  private clock(): string {
    return `${this.seconds().toFixed(1).padStart(5)}s`
  }

  private seconds(): number {
    return (performance.now() - this.begun) / 1000
  }
}
