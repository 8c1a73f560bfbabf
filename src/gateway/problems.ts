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

export function queueFull(service: string): Refusal {
  return {
    status: 503,
    code: 'queue-full',
    title: `every replica of ${service} has as many requests as it may, and the queue is full`,
    hint: 'ask again later; more replicas, or a longer `queue`, take more',
  }
}

export function noReplicaInTime(service: string, ms: number): Refusal {
  return {
    status: 503,
    code: 'queue-timeout',
    title: `no replica of ${service} became free in ${ms / 1000} s`,
    hint: 'ask again later; more replicas take more',
  }
}

export function bodyTooLarge(service: string, bodyMaxBytes: number | null): Refusal {
  return {
    status: 413,
    code: 'body-too-large',
    title: `${service} takes requests of at most ${bodyMaxBytes} bytes here`,
    hint: 'the limit stands in the manifest, as `requests.body` or under `requests.paths`',
  }
}

export function bodyTooSlow(service: string, ms: number): Refusal {
  return {
    status: 408,
    code: 'body-too-slow',
    title: `nothing more of the request came in ${ms / 1000} s`,
    hint: `send it again; the limit of ${service} stands in the manifest, as \`requests.bodySilence\` or under \`requests.paths\``,
  }
}
