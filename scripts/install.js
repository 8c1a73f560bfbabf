// Runs before `npm run demo` and `npm test`, on whatever Node the machine has: installs what is missing or stale, else is silent.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const reason = whyInstall()
if (reason !== null) {
  console.log(`Installing what Beryl needs (${reason}) …`)
  // Whatever the person's npm is set to leave out: without the current Node in devDependencies nothing runs.
  const { status, signal, error } = spawnSync(
    'npm',
    ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' },
  )
  if (status !== 0) {
    const how = error ? error.message : signal ? `signal ${signal}` : `exit code ${status}`
    console.error(
      `\`npm ci\` failed (${how}): what npm said stands above.\nNext: check the network and npm's registry and proxy settings (npm config list), then run this again.`,
    )
    process.exitCode = status || 1
  }
}

function whyInstall() {
  const installed = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installed)) return 'there is no node_modules yet'
  const wanted = packagesIn(join(root, 'package-lock.json'))
  const present = packagesIn(installed)
  for (const [path, { version, optional }] of Object.entries(wanted)) {
    // Packages for other platforms stand in the lock and are never installed here.
    if (path === '' || (optional && present[path] === undefined)) continue
    const name = path.replace(/^.*node_modules\//, '')
    if (present[path]?.version !== version) return `${name} should be ${version}`
    if (!existsSync(join(root, path, 'package.json'))) return `${name} is gone from node_modules`
  }
  return null
}

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? {}
  } catch {
    // Cut short, or not npm's: as good as none.
    return {}
  }
}
