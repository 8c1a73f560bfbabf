/** `GET /v1/models`: which models does a server say it serves? */

export const modelsPath = '/v1/models'

const shownMax = 5

/** Null where the list names the model, else what it says instead. vLLM also gives each model's `root`: the path it was loaded from. */
export function notServed(body: string, model: string): string | null {
  const names = namesIn(body)
  if (names === null) return `GET ${modelsPath} answers no list of models, expected ${model} in it`
  if (names.includes(model)) return null
  const found = names.slice(0, shownMax).join(', ') || 'no model'
  return `GET ${modelsPath} lists ${found}, expected ${model}: it serves something else`
}

function namesIn(body: string): string[] | null {
  let list: unknown
  try {
    list = JSON.parse(body)
  } catch {
    return null
  }
  if (typeof list !== 'object' || list === null || !('data' in list) || !Array.isArray(list.data))
    return null
  return list.data.flatMap((one: unknown) =>
    typeof one === 'object' && one !== null
      ? Object.entries(one)
          .filter(([key, value]) => ['id', 'root'].includes(key) && typeof value === 'string')
          .map(([, value]) => value as string)
      : [],
  )
}
