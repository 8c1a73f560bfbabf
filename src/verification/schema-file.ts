/** A JSON Schema that the manifest names: read and compiled when a release begins, so that a broken one costs nobody anything. */
import { readFile } from 'node:fs/promises'
import { ProblemError } from '../ipc/problem.ts'
import { jsonSchema } from './json-schema.ts'

/** It goes to the examiner with the gate. */
const schemaMaxBytes = 256 * 1024

/** @throws ProblemError `json-schema` naming the file */
export async function schemaIn(file: string): Promise<unknown> {
  try {
    const text = await readFile(file, 'utf8')
    if (Buffer.byteLength(text) > schemaMaxBytes)
      throw new Error(`it is larger than ${schemaMaxBytes} bytes`)
    const schema: unknown = JSON.parse(text)
    jsonSchema(schema)
    return schema
  } catch (cause) {
    throw new ProblemError(
      {
        status: 400,
        code: 'json-schema',
        title: `cannot use the JSON Schema ${file}: ${(cause as Error).message}`,
        hint: 'mend it and deploy again: nothing was started',
      },
      { cause },
    )
  }
}
