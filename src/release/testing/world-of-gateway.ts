/** The gateway of the heart's world, as plain values: what it serves by, what is in flight in it, and what it never does. */
import assert from 'node:assert/strict'
import type { Routes } from '../desired-world.ts'
import type { Environment, Service } from '../release.ts'
import type { GatewayFact, Seen } from '../seen.ts'
import { holdMove, holdSplit } from './promises.ts'

export type Table = Routes & { generation: number }

/** Who answers, and which part. */
function answersOf({ live, split = null }: Routes): string {
  return JSON.stringify([live, split])
}

export abstract class WorldOfGateway {
  abstract service: Service
  abstract look(): Seen
  /** What live traffic went through: the release whose replicas answered, in order. */
  readonly moved: string[] = []
  table: Table | null = null
  back: Table | null = null
  gatewayUp = true
  /** What a gateway that starts now serves by. */
  private file: { table: Table | null; back: Table | null } = { table: null, back: null }
  /** It came back with older routes than it had served: until it is told, traffic goes where nobody wants it. */
  private behind = false
  /** Nothing can be journalled; a rollback goes on in memory and in the gateway (rulings §7). */
  diskFull = false
  inFlight: Record<Environment, number> = { blue: 0, green: 0 }
  /** By replica. */
  inFlightOf: Record<string, number> = {}
  /** The gateway that hands over to this one: it serves by routes of its own, and ends what it has begun. */
  leaving: { answers: string; inFlight: Record<Environment, number> } | null = null

  /** `kill -9` of the gateway, and its successor: a rollback that a full disk did not take has not happened there. */
  killGateway(): void {
    const { table, back } = this.file
    if (table?.generation !== this.table?.generation) this.behind = true
    this.table = table
    this.back = back
    this.inFlight = { blue: 0, green: 0 }
    this.inFlightOf = {}
  }

  handOver(): void {
    if (this.leaving !== null || this.table === null) return
    this.leaving = { answers: answersOf(this.table), inFlight: this.inFlight }
    this.inFlight = { blue: 0, green: 0 }
  }

  /** It has ended what it had begun, or died. */
  left(): void {
    this.leaving = null
  }

  openIn(environment: Environment): number {
    return this.inFlight[environment] + (this.leaving?.inFlight[environment] ?? 0)
  }

  protected gatewayFact(): GatewayFact {
    const { table } = this
    return {
      generation: table?.generation ?? 0,
      live: table?.live ?? null,
      preview: table?.preview ?? null,
      back: this.back?.generation ?? null,
      backSplit: this.back?.split ?? null,
      environments: table === null ? { blue: null, green: null } : table.environments,
      inFlight: { blue: this.openIn('blue'), green: this.openIn('green') },
      ...(this.leaving === null ? {} : { handOver: { open: 0 } }),
      copies: this.table?.copies ?? null,
      split: this.table?.split ?? null,
      inFlightOf: { ...this.inFlightOf },
    }
  }

  protected store(table: Table, back: Table | null): void {
    const before = this.table
    assert.ok(table.generation > (before?.generation ?? 0), 'generations rise')
    if ((before?.live ?? null) !== table.live)
      holdMove(this.service, table.live, { seen: this.look(), behind: this.behind })
    holdSplit(this.service, { before, after: table }, { seen: this.look(), behind: this.behind })
    const answers = table.live === null ? null : table.environments[table.live]!.release
    if (answers !== null && answers !== this.moved.at(-1)) this.moved.push(answers)
    if (this.leaving !== null && this.leaving.answers !== answersOf(table)) {
      const phase = this.service.release?.phase.name
      assert.notEqual(phase, 'switching', 'promise 2: nothing switches while two gateways live')
      // A rollback is stored in both.
      this.leaving.answers = answersOf(table)
    }
    this.table = table
    this.back = back
    this.behind = false
    if (!this.diskFull) this.file = { table, back }
  }

  /** Refused while the place is live, or in flight. */
  protected forget(environment: Environment): void {
    assert.notEqual(this.table?.live, environment, 'promise 1: what is live is not retired')
    assert.notEqual(this.table?.split?.to, environment, 'promise 1: nor what has a part of it')
    assert.notEqual(
      this.service.colour,
      environment,
      'promise 1: what should be live is not retired',
    )
    assert.equal(
      this.openIn(environment),
      0,
      'promise 3: what has requests in flight is not retired',
    )
    if (this.table !== null) {
      this.table = {
        ...this.table,
        preview: this.table.preview === environment ? null : this.table.preview,
        environments: { ...this.table.environments, [environment]: null },
      }
      this.back = null
      this.file = { table: this.table, back: null }
    }
  }

  /** What is stopped or unloaded one by one, beside others of its place that stay. */
  protected notRouted(replica: string): void {
    const places = Object.values(this.table?.environments ?? {})
    assert.ok(
      !places.some((place) => place?.replicas.some(({ id }) => id === replica)),
      'promise 1: a replica that is routed to is not stopped or unloaded',
    )
    assert.equal(this.inFlightOf[replica] ?? 0, 0, 'promise 3: nothing open is cut')
  }
}
