/** `beryl init`: looks at a server that runs, and writes a manifest that works. It asks with GET, and overwrites nothing. */
import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { loadManifest } from '../../config/load.ts'
import { upstreamUrl } from '../../config/units.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { authorities } from '../../tls/peer.ts'
import { whyNotFree } from '../../supervisor/why-not-free.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Address } from '../init/ask.ts'
import { lookAround, lookAt, usualPorts } from '../init/look.ts'
import type { Found } from '../init/look.ts'
import { about, manifestFor, serviceName, starter, urlOf } from '../init/manifest-text.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'

const loopback = '127.0.0.1'
/** The first of these that is free, and is not what was found, becomes a port of Beryl's. */
const gatewayPorts = [8080, 8180, 8280, 8380, 18080]
const apiPorts = [8090, 8190, 8290, 8390, 18090]

export type InitOptions = { url?: string; file: string; force: boolean; serverName?: string }

export async function init({ json, ca }: Globals, options: InitOptions): Promise<number> {
  const { file, force } = options
  const [found, ...others] =
    options.url === undefined
      ? await lookAround(loopback)
      : [await at(options.url, { ca, serverName: options.serverName })]
  const avoid = found === undefined ? [] : [found.address.port, greenOf(found.address)]
  const gateway = await firstFree(gatewayPorts, avoid)
  const api = await firstFree(apiPorts, avoid)
  const text =
    found === undefined
      ? starter({ gateway, api })
      : manifestFor(found, {
          gateway,
          api,
          green: greenOf(found.address),
          ca: found.address.tls?.ca === undefined ? undefined : besides(file, found.address.tls.ca),
        })
  await write(file, text, force)

  const service = found === undefined ? 'model' : serviceName(found)
  const next = `beryl validate -f ${file}, then beryl up -f ${file}`
  const lines =
    found === undefined
      ? [
          `Nothing answers in HTTP on ${loopback}, ports ${usualPorts.join(', ')}. A server elsewhere: beryl init --url http://HOST:PORT, or https://HOST:PORT`,
          `Wrote ${file}: Beryl starts your server itself; adapt the command in it.`,
        ]
      : [
          `${urlOf(found.address)}: ${about(found)}.`,
          ...others.map(
            (one) =>
              `${urlOf(one.address)}: ${about(one)}. For this one: beryl init --url ${urlOf(one.address)}`,
          ),
          `Wrote ${file}: in front of ${urlOf(found.address)} (blue); put the address of the next version in it (green).`,
        ]
  say(
    json,
    { file, service, found: found ?? null, others, next },
    [...lines, `Next: ${next}`].join('\n'),
  )
  return exitCodes.done
}

/** As a manifest names a file: relative to itself. */
function besides(manifest: string, file: string): string {
  const path = relative(dirname(resolve(manifest)), file)
  return path.startsWith('.') ? path : `./${path}`
}

type Trust = { ca: string | undefined; serverName: string | undefined }

/** @throws ProblemError `usage`, `nobody-answers` */
async function at(url: string, { ca, serverName }: Trust): Promise<Found> {
  const read = upstreamUrl.safeParse(url)
  if (!read.success)
    throw new ProblemError({
      status: 400,
      code: 'usage',
      title: `--url: ${read.error.issues[0]!.message}, came ${JSON.stringify(url)}`,
      hint: 'beryl init --url http://HOST:PORT, or https://HOST:PORT',
    })
  const { secure, ...place } = read.data
  if (secure !== true && (ca ?? serverName) !== undefined)
    throw new ProblemError({
      status: 400,
      code: 'usage',
      title: `--ca and --server-name are for https, and --url is ${url}`,
    })
  const tls = {
    ...(ca === undefined ? {} : { ca: authoritiesIn(ca) }),
    ...(serverName === undefined ? {} : { serverName }),
  }
  const address = { ...place, ...(secure === true ? { tls } : {}) }
  let why = 'it said nothing'
  const found = await lookAt(address, undefined, (trouble) => (why = trouble))
  if (found !== null) return found
  throw new ProblemError({
    status: 502,
    code: 'nobody-answers',
    title: `no model server answers in HTTP at ${urlOf(address)} (or it is Beryl itself): ${why}; nothing was written`,
    hint:
      secure === true
        ? 'is it started, and reachable from here? --ca FILE names the authorities that vouch for its certificate, --server-name the name in it'
        : 'is it started, and reachable from here? Without --url, beryl init looks at the usual ports of this machine',
  })
}

/** @returns the file, absolute @throws ProblemError `usage` */
function authoritiesIn(ca: string): string {
  try {
    authorities(resolve(ca))
    return resolve(ca)
  } catch (cause) {
    throw new ProblemError(
      { status: 400, code: 'usage', title: `--ca: ${(cause as Error).message}` },
      { cause },
    )
  }
}

/** Where the next version might run: a guess for a person to correct. */
function greenOf({ port }: Address): number {
  return port < 65_535 ? port + 1 : port - 1
}

async function firstFree(ports: readonly number[], avoid: readonly number[]): Promise<number> {
  for (const port of ports)
    if (!avoid.includes(port) && (await whyNotFree({ host: loopback, port })) === null) return port
  return ports[0]!
}

/** Whole, checked, or not at all; what is there already stays. @throws ProblemError `file-exists`, `cannot-write` */
async function write(file: string, text: string, force: boolean): Promise<void> {
  const aside = join(dirname(resolve(file)), `.beryl-init-${process.pid}.yaml`)
  try {
    mkdirSync(dirname(aside), { recursive: true })
    writeFileSync(aside, text)
    await loadManifest(aside)
    // A link fails where the name is taken, however that happened meanwhile.
    if (force) renameSync(aside, file)
    else linkSync(aside, file)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === undefined) throw cause
    throw new ProblemError(
      code === 'EEXIST'
        ? {
            status: 409,
            code: 'file-exists',
            title: `${file} is there already; nothing was written`,
            hint: 'another name with --file, or --force to replace it',
          }
        : { status: 409, code: 'cannot-write', title: `cannot write ${file}: ${message}` },
      { cause },
    )
  } finally {
    rmSync(aside, { force: true })
  }
}
