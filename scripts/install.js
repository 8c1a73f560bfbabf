// Runs before `npm run demo` and `npm test`, on whatever Node the machine has: installs what is missing or stale, else is silent.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

const reason = whyInstall()
if (reason !== null) {
  console.log(`Installing what Beryl needs (${reason}) …`)
  const { status, error } = spawnSync(
    'npm',
    ['ci', '--no-audit', '--no-fund', '--loglevel=error'],
    { stdio: 'inherit', shell: process.platform === 'win32' },
  )
  if (status !== 0) {
    console.error(
      `npm ci failed${error ? ` (${error.message})` : ` with exit code ${status}`}. It needs the package registry; check your network or proxy, then run it again.`,
    )
    process.exit(1)
  }
}

function whyInstall() {
  if (!existsSync('node_modules/.package-lock.json')) return 'there is no node_modules yet'
  const wanted = versionsIn('package-lock.json')
  const present = versionsIn('node_modules/.package-lock.json')
  // Packages for other platforms stand in the lock and are never installed here.
  for (const [path, { version, optional }] of Object.entries(wanted)) {
    if (path === '' || (optional && present[path] === undefined)) continue
    if (present[path]?.version !== version)
      return `${path.replace('node_modules/', '')} should be ${version}`
  }
  return null
}

function versionsIn(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages ?? {}
}
