import { whereData } from '../../api/client.ts'
import { up } from '../../supervisor/up.ts'
import type { Globals } from '../main.ts'

export async function upCommand({ data }: Globals, { file }: { file: string }): Promise<number> {
  return up({ manifestPath: file, dataDirectory: whereData({ data, file }) })
}
