/** What is wrong with a manifest, each at its line. In a file of its own: who tells of it to people needs no schema. */
export type ManifestProblem = {
  file: string
  line: number
  column: number
  path: string
  message: string
}

export class ManifestError extends Error {
  override name = 'ManifestError'
  readonly problems: readonly ManifestProblem[]
  constructor(problems: readonly ManifestProblem[]) {
    super(
      problems
        .map(
          ({ file, line, column, path, message }) =>
            `${file}:${line}:${column}${path === '' ? '' : ` ${path}`}: ${message}`,
        )
        .join('\n'),
    )
    this.problems = problems
  }
}
