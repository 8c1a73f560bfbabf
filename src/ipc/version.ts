import { readFileSync } from 'node:fs'

/** The package's own version; source and build lie equally deep. */
export const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
).version
