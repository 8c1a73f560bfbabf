import { join, resolve } from 'node:path'
import { whereData } from '../../api/client.ts'
import { loadManifest } from '../../config/load.ts'
import { detach } from '../../supervisor/detach.ts'
import { up } from '../../supervisor/up.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { goOnWithoutReaders, say } from '../output.ts'

export async function upCommand(
  { data, json }: Globals,
  { file, detach: isDetached, takeOver }: { file: string; detach: boolean; takeOver: boolean },
): Promise<number> {
  const directory = resolve(whereData({ data, file }))
  if (isDetached) return upDetached({ file, directory, takeOver, json })
  goOnWithoutReaders()
  await up({
    manifestPath: file,
    dataDirectory: directory,
    takeOver,
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

/** What is wrong with the manifest is said here, before anything is started. */
async function upDetached({
  file,
  directory,
  takeOver,
  json,
}: {
  file: string
  directory: string
  takeOver: boolean
  json: boolean
}): Promise<number> {
  await loadManifest(file)
  const args = [process.argv[1]!, 'up', '-f', resolve(file), '--data', directory]
  if (takeOver) args.push('--take-over')
  const { pid, log } = await detach(directory, args)
  const isFound = directory === resolve(whereData({}))
  const where = isFound ? '' : ` --data ${directory}`
  const text = `Beryl is up in the background (pid ${pid}); what it says goes to ${log}.\nNext: beryl status${where}, and beryl down${where} to stop it, model servers too`
  say(json, { pid, log, data: directory }, text)
  return exitCodes.done
}
