/** Which answers are of one kind: those to the same method and path, ids in it left out. */
import { openContract } from './contract.ts'
import type { Contract } from './contract.ts'

const routesMax = 200
/** Numbers, UUIDs and long hexadecimal names. */
const id = /^(\d+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,})$/i

export type Routes = ReturnType<typeof openRoutes>

/** @throws JsonPathError */
export function openRoutes(ignore: readonly string[]) {
  const contracts = new Map<string, Contract>()
  return {
    /** Made where it is not there yet; what comes after the first 200 goes together. */
    of({ method, target }: { method: string; target: string }): Contract {
      const asked = routeOf(method, target)
      const name = contracts.has(asked) || contracts.size < routesMax ? asked : '(others)'
      const contract = contracts.get(name) ?? openContract(ignore)
      contracts.set(name, contract)
      return contract
    },
    /** For the evidence. */
    all: () =>
      [...contracts].map(([route, contract]) => ({
        route,
        answers: contract.answers,
        fields: contract.always(),
      })),
  }
}

export function routeOf(method: string, target: string): string {
  const path = target.split('?')[0]!
  const parts = path.split('/').map((part) => (id.test(part) ? '*' : part))
  return `${method} ${parts.join('/')}`
}
