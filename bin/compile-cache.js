// A checkout runs its TypeScript as it is. Kept between runs, what Node made of it saves each process its start and 17 MB.
import { existsSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))
// Not in the system's temporary directory: others could write there what this user runs.
if (existsSync(at('../src'))) enableCompileCache?.(at('../node_modules/.cache/beryl'))
