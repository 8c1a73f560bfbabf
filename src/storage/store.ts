/** Everything that is kept, behind one door. */
import { aliasesIn } from './aliases.ts'
import { answersIn } from './answers.ts'
import { backUp } from './backup.ts'
import { openDatabase, transaction } from './database.ts'
import { curvesIn } from './curves.ts'
import { deliveriesIn } from './deliveries.ts'
import { eventsIn } from './events.ts'
import { feedbackIn } from './feedback.ts'
import { freezesIn } from './freezes.ts'
import { gatesIn } from './gates.ts'
import { replicasIn } from './replicas.ts'
import type { Kept } from './replicas.ts'
import { retentionIn } from './retention.ts'
import { runsIn } from './runs.ts'
import { servicesIn } from './services.ts'
import { tokensIn } from './tokens.ts'
import { trafficIn } from './traffic.ts'
import { versionsIn } from './versions.ts'

export type Store<Plan, Replica extends Kept, WatchState, Times, Track> = ReturnType<
  typeof openStore<Plan, Replica, WatchState, Times, Track>
>

export function openStore<Plan, Replica extends Kept, WatchState, Times, Track>(file: string) {
  const database = openDatabase(file)
  return {
    services: servicesIn<Plan>(database),
    events: eventsIn(database),
    gates: gatesIn(database),
    replicas: replicasIn<Replica>(database),
    runs: runsIn(database),
    versions: versionsIn(database),
    aliases: aliasesIn(database),
    traffic: trafficIn<WatchState, Times>(database),
    curves: curvesIn<Track>(database),
    feedback: feedbackIn(database),
    freezes: freezesIn(database),
    tokens: tokensIn(database),
    deliveries: deliveriesIn(database),
    /** All that is saved in it, or nothing of it. No `await` in it. */
    atomically: <Result>(act: () => Result): Result => transaction(database, act),
    answers: answersIn(database),
    retention: retentionIn(database),
    backUp: (file: string) => backUp(database, file),
    close: () => database.close(),
  }
}
