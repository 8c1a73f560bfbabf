/** Headers of the Standard Webhooks specification (standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`. */
import { createHmac } from 'node:crypto'

/** @param at wall, ms; whoever receives it refuses what is old @param secret as it is, or `whsec_` and base64 */
export function signed({
  id,
  at,
  body,
  secret,
}: {
  id: string
  at: number
  body: string
  secret: string
}): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000))
  const base64 = /^whsec_(.+)$/.exec(secret)?.[1]
  const key = base64 === undefined ? Buffer.from(secret) : Buffer.from(base64, 'base64')
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${mac}`,
  }
}
