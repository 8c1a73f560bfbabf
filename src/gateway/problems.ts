/** What the gateway says itself, as RFC 9457 problem documents. */
export function problemText(status: number, code: string, title: string, hint: string): string {
  return JSON.stringify({ type: 'about:blank', status, code, title, hint })
}

export type Refusal = { status: number; code: string; title: string; hint: string }

export function noRoute(host: string, target: string): Refusal {
  return {
    status: 404,
    code: 'no-route',
    title: `no service is routed at ${host}${target.split('?')[0]}`,
    hint: 'beryl status lists services and their routes',
  }
}

export function noLiveVersion(service: string): Refusal {
  return {
    status: 503,
    code: 'no-live-version',
    title: `${service} has no live version yet`,
    hint: `beryl deploy ${service} VERSION`,
  }
}

export function noCandidate(service: string): Refusal {
  return {
    status: 503,
    code: 'no-candidate',
    title: `${service} has no candidate that is ready`,
    hint: `beryl deploy ${service} VERSION`,
  }
}

export function noReplica(service: string): Refusal {
  return {
    status: 503,
    code: 'no-replica',
    title: `${service} has no replica to ask`,
    hint: `beryl status ${service}`,
  }
}
