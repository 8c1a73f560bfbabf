/** Who may ask for what: one table of every route, for the checks, the OpenAPI document and the dashboard's buttons. Pure. */
import { ProblemError } from '../ipc/problem.ts'
import { commands } from '../release/release-can.ts'
import type { Command } from '../release/release-can.ts'

export const roles = ['viewer', 'operator', 'admin', 'feedback'] as const
export type Role = (typeof roles)[number]

/** Whose routes each role may use. `feedback` goes into programs that many people can read: it opens one route. */
const includes: Record<Role, readonly Role[]> = {
  viewer: ['viewer'],
  operator: ['viewer', 'operator', 'feedback'],
  admin: roles,
  feedback: ['feedback'],
}

const deploy = 'POST /api/v1/services/{service}/releases'
const commandAt = (kind: 'services' | 'releases', command: Command) =>
  `POST /api/v1/${kind}/{target}/${command}`

/** The role that each route needs; null: no token at all. */
export const needs: Readonly<Record<string, Role | null>> = {
  'GET /healthz': null,
  'GET /readyz': null,
  'POST /api/v1/session': null,
  'GET /metrics': 'viewer',
  'GET /api/v1/openapi.json': 'viewer',
  'GET /api/v1/session': 'viewer',
  'DELETE /api/v1/session': 'viewer',
  'GET /api/v1/services': 'viewer',
  'GET /api/v1/services/{service}': 'viewer',
  'GET /api/v1/services/{service}/open': 'viewer',
  'GET /api/v1/services/{service}/versions': 'viewer',
  'GET /api/v1/services/{service}/versions/{version}': 'viewer',
  'GET /api/v1/services/{service}/versions/{version}/diff/{to}': 'viewer',
  // Its files and arguments are run, and its address is asked.
  'POST /api/v1/services/{service}/versions': 'admin',
  'DELETE /api/v1/services/{service}/versions/{version}': 'admin',
  'GET /api/v1/services/{service}/aliases': 'viewer',
  'PUT /api/v1/services/{service}/aliases/{alias}': 'operator',
  'DELETE /api/v1/services/{service}/aliases/{alias}': 'operator',
  'GET /api/v1/services/{service}/cost': 'viewer',
  'GET /api/v1/services/{service}/plan/{version}': 'viewer',
  'GET /api/v1/services/{service}/history': 'viewer',
  'GET /api/v1/services/{service}/capture': 'viewer',
  'GET /api/v1/releases/{id}': 'viewer',
  'GET /api/v1/releases/{id}/report': 'viewer',
  'GET /api/v1/releases/{id}/report.html': 'viewer',
  'GET /api/v1/releases/{id}/report.json': 'viewer',
  'GET /api/v1/releases/{id}/curves': 'viewer',
  'GET /api/v1/services/{service}/curves': 'viewer',
  'GET /api/v1/events': 'viewer',
  'GET /api/v1/live': 'viewer',
  'GET /api/v1/record': 'viewer',
  // All of it, hashes of tokens among it.
  'GET /api/v1/backup': 'admin',
  [deploy]: 'operator',
  ...Object.fromEntries(
    commands.flatMap((command) => [
      [commandAt('services', command), 'operator' as const],
      [commandAt('releases', command), 'operator' as const],
    ]),
  ),
  'POST /api/v1/feedback': 'feedback',
  // What clients asked, and were answered.
  'GET /api/v1/services/{service}/capture/records': 'admin',
  'POST /api/v1/services/{service}/capture/records': 'admin',
  'DELETE /api/v1/services/{service}/capture': 'admin',
  // It runs commands (rulings §15).
  'POST /api/v1/apply': 'admin',
  'GET /api/v1/freezes': 'viewer',
  'GET /api/v1/notifications': 'viewer',
  'POST /api/v1/notifications/retry': 'operator',
  'POST /api/v1/freeze': 'operator',
  'DELETE /api/v1/freeze': 'operator',
  'POST /api/v1/services/{service}/freeze': 'operator',
  'DELETE /api/v1/services/{service}/freeze': 'operator',
  'GET /api/v1/tokens': 'admin',
  'POST /api/v1/tokens': 'admin',
  'DELETE /api/v1/tokens/{name}': 'admin',
}

/**
 * @param route such as `GET /api/v1/services/{service}`. One that stands in no table is an admin's
 * @throws ProblemError `forbidden`
 */
export function checkRole(role: Role, actor: string, route: string): void {
  const needed = route in needs ? needs[route]! : 'admin'
  if (needed === null || includes[role].includes(needed)) return
  throw new ProblemError({
    status: 403,
    code: 'forbidden',
    title: `${actor} has the role ${role}, and ${route} needs ${needed}`,
    hint: `an admin makes a token for it: beryl token create NAME --role ${needed}`,
  })
}

/** What this role may never give, with the reason; empty for who may operate. */
export function refusalsOf(role: Role): Readonly<Partial<Record<Command | 'deploy', string>>> {
  const all = [
    ['deploy', needs[deploy]!] as const,
    ...commands.map((command) => [command, needs[commandAt('releases', command)]!] as const),
  ]
  return Object.fromEntries(
    all
      .filter(([, needed]) => !includes[role].includes(needed))
      .map(([command, needed]) => [
        command,
        `you are signed in as ${role}: ${command} needs the role ${needed}`,
      ]),
  )
}
