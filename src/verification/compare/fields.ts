/** Places in a JSON value: how they are written, and whether a path of the user's means them. */
import { stepsOf } from '../../protocols/json-path.ts'
import type { Step } from '../../protocols/json-path.ts'

/** From the root: names and indexes. */
export type Place = readonly (string | number)[]

const plainName = /^[A-Za-z_\u0080-\uffff][\w\u0080-\uffff-]*$/

/** `$.choices[0].text`; with `generalised` `$.choices[*].text`. */
export function written(place: Place, generalised: boolean): string {
  return `$${place
    .map((step) => {
      if (typeof step === 'number') return generalised ? '[*]' : `[${step}]`
      return plainName.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
    })
    .join('')}`
}

/** @throws JsonPathError for a path that is not understood, or counts from the end */
export function patternOf(path: string): (place: Place) => boolean {
  const steps = stepsOf(path)
  return (place) =>
    steps.length <= place.length && steps.every((step, index) => fits(step, place[index]!))
}

function fits(step: Step, at: string | number): boolean {
  if (step === 'all') return true
  return 'index' in step ? step.index === at : step.name === at
}
