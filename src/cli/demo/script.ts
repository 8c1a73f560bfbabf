/** What the demo prints, and what it holds Beryl to. */
import { firstLine, paint } from '../output.ts'

export class Script {
  readonly failures: string[] = []
  private readonly begun = performance.now()
  private number = 0

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
    if (!held) this.failures.push(`${what} (${firstLine(found)})`)
  }

  fail(message: string): void {
    this.line(`     ${paint('red', '✗')} ${message}`)
    this.failures.push(firstLine(message))
  }

  row(what: string, value: string): void {
    this.line(`     ${what.padEnd(46)} ${value}`)
  }

  end(): void {
    const seconds = ((performance.now() - this.begun) / 1000).toFixed(0)
    this.line(
      `\n${this.failures.length === 0 ? paint('green', 'All of it happened') : paint('red', `${this.failures.length} things did not happen`)}, in ${seconds} s.`,
    )
  }

  line(text: string): void {
    process.stdout.write(`${text}\n`)
  }

  private clock(): string {
    return `${((performance.now() - this.begun) / 1000).toFixed(1).padStart(5)}s`
  }
}
