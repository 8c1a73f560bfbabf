/** For tests only: views as the API gives them, in the middle of a watch. */
import type { ReleaseView, ServiceView } from '../../api/shapes.ts'

export const at = 1_800_000_000_000

const allowed: ReleaseView['can'] = {
  approve: 'approve is not possible: r2 is watching',
  promote: null,
  pause: null,
  resume: 'r2 is not paused',
  abort: 'abort is not possible: r2 is watching',
  rollback: null,
  retry: 'retry is not possible: r2 is watching',
}

export function releaseView(change: Partial<ReleaseView> = {}): ReleaseView {
  return {
    id: 'r2',
    service: 'chat',
    kind: 'deploy',
    version: 'v2',
    alias: null,
    digest: 'sha256:22',
    from: 'v1',
    by: 'ada',
    at,
    phase: 'watching',
    since: { wall: at + 4000, up: 4 },
    phases: [
      { phase: 'queued', at },
      { phase: 'provisioning', at: at + 1000 },
      { phase: 'switching', at: at + 3000 },
      { phase: 'watching', at: at + 4000 },
    ],
    waitingFor: 'evidence: about 120 more answers needed',
    because: null,
    endsAs: null,
    paused: null,
    gates: [
      {
        name: 'goldenSet',
        state: 'decided',
        attempt: 1,
        at,
        verdict: 'pass',
        because: 'v2 scores 99 %',
        evidence: {},
      },
    ],
    leftOut: [],
    approvals: [],
    can: allowed,
    switched: { at: at + 4000, tookMs: 4, generation: 3 },
    rolledBack: null,
    watch: {
      decision: 'hold',
      because: 'about 120 more answers needed',
      missing: 120,
      wouldShow: false,
      replace: [],
      evidence: {
        rollbackEvidence: 0.1,
        promotionEvidence: 0.6,
        strongest: 'errors',
        falseRollbackRisk: 0.01,
        badPromotionRisk: 0.05,
        total: 480,
        bad: 3,
        gone: 0,
        void: 0,
        perSecond: 30,
        setAside: 0,
        unheard: 0,
        unreadable: 0,
        signals: [
          {
            signal: 'errors',
            required: true,
            weight: 1,
            design: 'paired',
            comparedWith: "the old version's answers to the same requests (pairs)",
            said: '3 errors in 480 answers',
            judged: { paired: 480 },
            rollbackEvidence: 0.1,
            promotionEvidence: 0.6,
            toSee: 100,
            toClear: 120,
            worseByAtLeast: null,
            worseByAtMost: null,
          },
        ],
        instances: [],
      },
    },
    feedback: [],
    cost: { replicaHours: 0.5, money: 1.25, currency: 'USD' },
    ...change,
  }
}

export function serviceView(change: Partial<ServiceView> = {}): ServiceView {
  const replica = (id: string) => ({
    id,
    state: 'ready',
    because: null,
    address: '127.0.0.1:1',
    pid: 1,
    restarts: 0,
    spot: null,
  })
  return {
    service: 'chat',
    url: 'http://127.0.0.1:8080/',
    live: { environment: 'green', version: 'v2', digest: 'sha256:22', since: at },
    standby: { environment: 'blue', version: 'v1', rung: 'full' },
    generation: 4,
    environments: {
      blue: {
        role: 'standby',
        version: 'v1',
        asked: 1,
        answers: { total: 900, bad: 0 },
        replicas: [replica('a')],
        inFlight: 0,
        share: 0,
      },
      green: {
        role: 'live',
        version: 'v2',
        asked: 1,
        answers: { total: 480, bad: 3 },
        replicas: [replica('b')],
        inFlight: 2,
        share: 1,
      },
    },
    release: releaseView(),
    queued: null,
    versions: [
      { version: 'v1', digest: 'sha256:11', notes: null },
      { version: 'v2', digest: 'sha256:22', notes: null },
      { version: 'v3', digest: null, notes: null },
    ],
    wayBack: {
      possible: true,
      because: 'v1 is full on blue: 1 of 1 replicas ready',
      rung: 'full',
      measuredMs: 4,
      drilledAt: null,
      drillFailed: null,
      weakened: null,
    },
    frozen: [],
    can: { ...allowed, deploy: null },
    problems: [],
    ...change,
  }
}
