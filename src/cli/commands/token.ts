import { apiClient, reach } from '../../api/client.ts'
import { roles } from '../../api/rights.ts'
import type { NewTokenView, TokenView } from '../../api/shapes.ts'
import { nearest } from '../../config/nearest.ts'
import { duration } from '../../config/units.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { time } from '../describe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { paint, say, table } from '../output.ts'

const actions = ['create', 'list', 'revoke'] as const

export async function token(
  globals: Globals,
  action = 'list',
  name: string | undefined,
  { role, expires }: { role?: string; expires?: string },
): Promise<number> {
  const which = actions.find((one) => one === action)
  if (which === undefined)
    throw usage(`there is no token ${action}${nearest(action, actions)}`, actions.join('|'))
  if (which !== 'create' && (role ?? expires) !== undefined)
    throw usage(`${which} takes neither --role nor --expires: they stay as they were made`, which)
  if (which === 'list') {
    if (name !== undefined) throw usage(`list takes no name, came ${name}`, 'list')
    const tokens = await apiClient(reach(globals)).tokens()
    say(globals.json, { tokens }, listed(tokens))
    return exitCodes.done
  }
  if (name === undefined) throw usage(`${which} needs a name`, `${which} NAME`)
  if (which === 'create') {
    const asked = { name, role: checkedRole(name, role), expiresInS: seconds(name, expires) }
    const made = await apiClient(reach(globals)).createToken(asked)
    say(globals.json, made, created(made))
  } else {
    const revoked = await apiClient(reach(globals)).revokeToken(name)
    const text = `${revoked.name} (${revoked.role}) opens nothing from now on; its sessions have ended\nNext: beryl token list`
    say(globals.json, revoked, text)
  }
  return exitCodes.done
}

function checkedRole(name: string, given: string | undefined): (typeof roles)[number] {
  const role = roles.find((one) => one === given)
  if (role !== undefined) return role
  const came = given === undefined ? 'none came' : `came ${given}${nearest(given, roles)}`
  throw usage(
    `--role: expected ${roles.join(', ')}; ${came}`,
    `create ${JSON.stringify(name)} --role operator`,
  )
}

function seconds(name: string, expires: string | undefined): number | undefined {
  if (expires === undefined) return undefined
  const parsed = duration.safeParse(expires)
  if (parsed.success && parsed.data >= 1) return Math.round(parsed.data)
  throw usage(
    `--expires: expected a duration from 1s to 366d, such as 90d; came ${expires}`,
    `create ${JSON.stringify(name)} --role ROLE --expires 90d`,
  )
}

function created({ name, role, expiresAt, token: text }: NewTokenView): string {
  return [
    text,
    `This is the token of ${name} (${role}, ${untilText(expiresAt)}). It is not shown again: only its hash is kept.`,
    `Next: BERYL_TOKEN=… beryl status, or sign in to the dashboard with it; beryl token revoke ${JSON.stringify(name)} ends it`,
  ].join('\n')
}

function listed(tokens: readonly TokenView[]): string {
  const rows = tokens.map(({ name, role, createdAt, createdBy, expiresAt, isExpired, usedOn }) => [
    name,
    role,
    `made ${time(createdAt)} by ${createdBy}`,
    isExpired ? paint('red', 'EXPIRED') : untilText(expiresAt),
    usedOn === null ? 'never used' : `used ${usedOn}`,
  ])
  const lines = table(rows)
  return [
    ...(lines.length === 0 ? ['No token was made yet.'] : lines),
    'Beside these, admin.token in the data directory is an admin.',
    'Next: beryl token create NAME --role operator --expires 90d',
  ].join('\n')
}

function untilText(expiresAt: number | null): string {
  return expiresAt === null ? 'does not expire' : `until ${time(expiresAt)}`
}

function usage(title: string, next: string): ProblemError {
  return new ProblemError({ status: 400, code: 'usage', title, hint: `beryl token ${next}` })
}
