import { join, resolve } from 'node:path'
import { whereData } from '../../api/client.ts'
import { up } from '../../supervisor/up.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'

export async function upCommand(
  { data, json }: Globals,
  { file }: { file: string },
): Promise<number> {
  const directory = resolve(whereData({ data, file }))
  await up({
    manifestPath: file,
    dataDirectory: directory,
    // The one document goes to standard output; what happens later is for whoever watches.
    print: (line) => (json ? process.stderr : process.stdout).write(`${line}\n`),
    ready: (running, manifest) => {
      const services = Object.entries(manifest.services)
      const [name, { versions }] = services[0]!
      const isFound = resolve(directory) === resolve(whereData({}))
      const where = isFound ? '' : ` --data ${directory}`
      const next = `beryl deploy ${name} ${Object.keys(versions)[0]} --wait${where}`
      const dashboard = `${running.url}/`
      const names = services.map(([service]) => service)
      const text = [
        `Beryl is up. Traffic: ${running.gateway}   API: ${running.url}   data: ${directory}`,
        ...(running.preview === null
          ? []
          : [`Preview (the candidate answers): ${running.preview}`]),
        `Dashboard: ${dashboard}   (it asks for the token in ${join(directory, 'admin.token')})`,
        `Services: ${names.join(', ')}`,
        `Next, in another terminal: ${next}   (Ctrl-C here stops everything, model servers too)`,
      ]
      say(json, { ...running, dashboard, data: directory, services: names, next }, text.join('\n'))
    },
  })
  return exitCodes.done
}
