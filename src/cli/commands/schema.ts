import { z } from 'zod'
import { manifest } from '../../config/manifest.ts'
import { exitCodes } from '../exit-codes.ts'

/** Always JSON: that is what a schema is. */
export async function schema(): Promise<number> {
  process.stdout.write(
    `${JSON.stringify(z.toJSONSchema(manifest, { io: 'input', unrepresentable: 'any' }), null, 2)}\n`,
  )
  return exitCodes.done
}
