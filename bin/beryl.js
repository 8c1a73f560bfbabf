#!/usr/bin/env node
// Plain JavaScript on purpose, without top-level await: an old Node must be able to read it, and to be told kindly.
import { existsSync } from 'node:fs'

const isCheckout = existsSync(new URL('../src/cli/main.ts', import.meta.url))
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) tellOldNode()
else void main()

async function main() {
  await import('./compile-cache.js')
  const program = isCheckout ? '../src/cli/main.ts' : '../dist/cli/main.js'
  const { run } = await import(new URL(program, import.meta.url).href)
  process.exitCode = await run(process.argv.slice(2))
}

function tellOldNode() {
  const args = process.argv.slice(2).join(' ')
  console.error(
    `beryl needs Node 24.15 or newer; this is Node ${process.versions.node} (${process.execPath}).`,
  )
  console.error(
    isCheckout
      ? `Next: npm run beryl -- ${args}   (uses the Node that comes with this checkout; \`npm ci\` first)`
      : `Next: npx --package=node@26 --package=beryl beryl ${args}   (or install a current Node: https://nodejs.org)`,
  )
  process.exitCode = 1
}
