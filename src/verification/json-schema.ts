/**
 * Does a value match a JSON Schema? Drafts 2020-12 (where none is named), 2019-09, 07 and 06. A keyword that nobody knows is an
 * error: misspelt, it would let everything through. `format` is an annotation, as drafts since 2019-09 have it.
 */
import { Ajv as Draft07 } from 'ajv'
import type { AnySchema, Options } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'

/** Null where it matches; else the first thing that is wrong, with its place. */
export type SchemaCheck = (value: unknown) => string | null

const options: Options = {
  strictSchema: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  validateFormats: false,
  logger: false,
}
const valueMaxLength = 200

/** @param schema as it was read from JSON @throws Error that says why it is no schema; nothing is fetched for a `$ref` */
export function jsonSchema(schema: unknown): SchemaCheck {
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null))
    throw new Error(`a JSON Schema is an object, this is ${JSON.stringify(schema)?.slice(0, 60)}`)
  const check = ajvFor(schema).compile(schema as AnySchema)
  return (value) => {
    if (check(value)) return null
    const [error] = check.errors ?? []
    const place =
      error === undefined || error.instancePath === '' ? 'the value' : error.instancePath
    return `${place} ${error?.message ?? 'does not match'}`.slice(0, valueMaxLength)
  }
}

function ajvFor(schema: boolean | object): Draft07 {
  const draft = typeof schema === 'object' && '$schema' in schema ? String(schema.$schema) : ''
  if (/draft-0[67]/.test(draft)) return new Draft07(options)
  return draft.includes('2019-09') ? new Ajv2019(options) : new Ajv2020(options)
}
