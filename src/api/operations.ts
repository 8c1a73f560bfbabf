/** What the API can ask of Beryl. The controller implements it; handlers know nothing else. */
import type { Command } from '../release/release-can.ts'
import type {
  AliasesView,
  CaptureView,
  CostView,
  CapturedPage,
  Event,
  DiffView,
  FeedbackAsked,
  FeedbackView,
  OpenView,
  PlanView,
  ReleaseView,
  ServiceView,
  VersionsView,
  VersionView,
} from './shapes.ts'

export type Operations = {
  services(): ServiceView[]
  service(name: string): ServiceView
  /** What is in flight now, oldest first. */
  open(name: string): Promise<OpenView>
  /** For Prometheus, as text. */
  metrics(): Promise<string>
  release(id: string): ReleaseView
  /** Newest first. */
  releases(service: string, limit: number): ReleaseView[]
  events(after: number, service: string | null, limit: number): Event[]
  eventsOf(release: string): Event[]
  cost(service: string): CostView
  /** @param find share of errors of the regression that is asked about; null: the manifest's `minimumEffect` above today's */
  plan(service: string, version: string, find: number | null): Promise<PlanView>
  deploy(
    service: string,
    asked: { version: string; kind: 'deploy' | 'verify' | 'rollback'; replace: boolean },
    by: string,
  ): Promise<ReleaseView>
  /** `target` is a release id or a service name. */
  command(
    target: string,
    command: Exclude<Command, 'retry' | 'rollback'>,
    asked: Asked,
    by: string,
  ): Promise<ReleaseView>
  rollback(
    target: string,
    asked: Asked & { to: string | null; hard: boolean },
    by: string,
  ): Promise<ReleaseView>
  retry(target: string, by: string): Promise<ReleaseView>
  /** @throws ProblemError for an id that this Beryl did not sign */
  feedback(asked: FeedbackAsked, by: string): FeedbackView
  capture: {
    state(service: string): Promise<CaptureView>
    /** @param after `next` of the page before; null: from the oldest on, which stands in the record */
    page(service: string, after: string | null, by: string): Promise<CapturedPage>
    /** All of them or none. */
    import(service: string, records: readonly unknown[], by: string): Promise<{ records: number }>
    purge(service: string, by: string): Promise<{ records: number }>
  }
  /** A version may be named by an alias: `@champion`. */
  versions: {
    list: (service: string) => VersionsView
    show: (service: string, version: string) => Promise<VersionView>
    diff: (service: string, from: string, to: string) => Promise<DiffView>
    aliases: (service: string) => AliasesView
    /** @param name without `@` */
    alias: (
      service: string,
      name: string,
      asked: { version: string; reason: string | null },
      by: string,
    ) => Promise<AliasesView>
    removeAlias: (service: string, name: string, reason: string | null, by: string) => AliasesView
  }
  /** Why this Beryl cannot do its work now; empty when it can. */
  notReady(): readonly string[]
}

export type Asked = { reason: string | null; gate: string | null }
