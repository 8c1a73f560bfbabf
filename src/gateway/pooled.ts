/**
 * A server in a pool has many models, each under a name of its own; clients ask for the one name that the service has. KServe V2 says the
 * name in the path: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol. Pure.
 */

const models = /^(\/v2\/models\/)[^/?]+/

/** @param target origin-form @param model its name there; undefined: not in a pool, and asked as the client asks */
export function targetOf(target: string, model: string | undefined): string {
  return model === undefined
    ? target
    : target.replace(models, (_, before: string) => before + encodeURIComponent(model))
}

/** Answers 2xx while the model is loaded. */
export function readyPathOf(model: string): string {
  return `/v2/models/${encodeURIComponent(model)}/ready`
}
