/** The model of examples/langid, called in this process: what a server of it must answer. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

type Langid = {
  loadModel: (directory: string) => object
  classify: (model: object, text: string) => { language: string; confidence: number }
}

/** The examples are checked by rules of their own. */
const examples = join(import.meta.dirname, '..', '..', 'examples', 'langid')
const example = async <Exports>(file: string) =>
  (await import(pathToFileURL(join(examples, file)).href)) as Exports

export const { classify, loadModel } = await example<Langid>('model.ts')
export const { trainAll } = await example<{ trainAll: (to: string) => void }>('train.ts')

export const texts = [
  'wie geht es dir',
  'where is the station',
  'où est la gare',
  'dov’è la stazione',
  'x',
]
