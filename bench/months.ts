/**
 * `npm run bench:months`: a thousand months of releases at random, each held to its ledger (src/controller/testing/months.ts). Says how
 * much happened in them; fails, with the seed, where a promise does not hold.
 */
import { liveMonths } from '../src/controller/testing/months.ts'

const months = Number(process.argv[2] ?? 1000)
const begun = performance.now()
const { releases, cuts, losses, gaps, steps } = liveMonths(1, months)
const tookS = ((performance.now() - begun) / 1000).toFixed(1)
console.log(`${months} months, ${tookS} s: in each the ledger equals what was up, to the second`)
console.log(`releases that ended                ${releases}`)
console.log(`steps of a canary                  ${steps}`)
console.log(`cuts by a budget                   ${cuts}`)
console.log(`replicas lost on spot capacity     ${losses}`)
console.log(`times in which Beryl was not there ${gaps}`)
