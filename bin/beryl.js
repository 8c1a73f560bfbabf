#!/usr/bin/env node
// Plain JavaScript on purpose: an old Node must be able to read it, and to be told kindly.
import { existsSync } from 'node:fs'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  console.error(
    `beryl needs Node 24.15 or newer; this is ${process.version}.\nIn a checkout, \`npm run beryl -- ${process.argv.slice(2).join(' ')}\` uses the Node that comes with it.`,
  )
  process.exit(1)
}
await import('./compile-cache.js')
const sources = new URL('../src/cli/main.ts', import.meta.url)
const { run } = await import(
  existsSync(sources) ? sources.href : new URL('../dist/cli/main.js', import.meta.url).href
)
process.exitCode = await run(process.argv.slice(2))
