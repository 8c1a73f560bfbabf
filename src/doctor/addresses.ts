/** Where Beryl listens, and where it would ask: ports that are free or held by whom, servers that answer or not. */
import type { ExternalEnvironment, Manifest, ServiceManifest } from '../config/manifest.ts'
import { peerOf } from '../config/external.ts'
import { harmlessPathOf, speaksOf } from '../config/speaks.ts'
import { probe } from '../providers/probe.ts'
import type { RunningBeryl } from '../supervisor/running.ts'
import { whyNotFree } from '../supervisor/why-not-free.ts'
import { ok, problem, warning } from './finding.ts'
import type { Finding } from './finding.ts'
import { portHolder } from './port-holder.ts'

type Address = { host: string; port: number }

/** @param running the Beryl of this data directory: what it holds is rightly held */
export async function portFindings(
  { gateway, api }: Manifest,
  running: RunningBeryl | null,
): Promise<Finding[]> {
  const asked: [key: string, address: Address, own: string | null][] = [
    ['gateway.listen', gateway.listen, running?.gateway ?? null],
    ...(gateway.preview === undefined
      ? []
      : [
          ['gateway.preview', gateway.preview, running?.preview ?? null] as [
            string,
            Address,
            string | null,
          ],
        ]),
    ['api.listen', api.listen, running?.url ?? null],
  ]
  return Promise.all(asked.map(([key, address, own]) => portFinding(key, address, own)))
}

async function portFinding(key: string, address: Address, own: string | null): Promise<Finding> {
  const name = nameOf(address)
  if (address.port === 0) return ok('port', `${key}: the system chooses one`)
  if (own !== null && Number(new URL(own).port || defaultPort(own)) === address.port)
    return ok('port', `${key}: ${name} is held by this Beryl`)
  const why = await whyNotFree(address)
  if (why === null) return ok('port', `${key}: ${name} is free`)
  const holder = portHolder(address.port)
  return problem(
    'port',
    `${key}: cannot listen on ${name}: ${why}${holder === null ? '' : `, by ${holder}`}`,
    `change ${key} in the manifest, or stop what uses the port`,
  )
}

function defaultPort(url: string): number {
  return url.startsWith('https:') ? 443 : 80
}

/** A server that is up answers sooner; one that is not is not waited for. */
const answerMs = 2000

/** Servers that are somebody else's: which of them answer now? */
/** @param home what paths of the manifest are relative to */
export async function externalFindings({ services }: Manifest, home: string): Promise<Finding[]> {
  const all = Object.entries(services).map(async ([name, service]) =>
    service.environment.provider === 'external'
      ? placesFinding(name, service, service.environment, home)
      : null,
  )
  return (await Promise.all(all)).filter((finding) => finding !== null)
}

async function placesFinding(
  name: string,
  service: ServiceManifest,
  environment: ExternalEnvironment,
  home: string,
): Promise<Finding> {
  const path = harmlessPathOf(service)
  const ask = ({ host, port }: Address) =>
    probe({
      host,
      port,
      path,
      speaks: speaksOf(service),
      tls: peerOf(environment, home),
      timeoutMs: answerMs,
      signal: AbortSignal.timeout(answerMs * 2),
    })
  const places = await Promise.all(
    (['blue', 'green'] as const).map(async (place) => {
      const troubles = await Promise.all(environment[place].map(ask))
      const first = troubles.find((trouble) => trouble !== null)
      const ready = troubles.filter((trouble) => trouble === null).length
      const said = `${place} ${ready} of ${troubles.length} ready${first === undefined ? '' : ` (${first})`}`
      return { isWhole: ready === troubles.length, said }
    }),
  )
  const said = `${name}: ${places.map((place) => place.said).join(', ')}`
  return places.some(({ isWhole }) => isWhole)
    ? ok('external', said)
    : warning(
        'external',
        `${said}: neither place could answer for a version`,
        `start the servers of one place, or mend the addresses and ready.path of services.${name}.environment`,
      )
}

function nameOf({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
