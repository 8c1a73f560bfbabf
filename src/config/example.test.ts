/** The example is the schema in words: every key that is built stands in it, and nothing else; `beryl schema` agrees with `validate`. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { manifest } from './manifest.ts'
import type { ServiceManifest } from './manifest.ts'
import { notBuilt } from './not-built.ts'

type Schema = {
  type?: string
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  prefixItems?: Schema[]
  anyOf?: Schema[]
  oneOf?: Schema[]
}

const text = readFileSync(new URL('example.yaml', import.meta.url), 'utf8')
const example: unknown = parse(text)
const schema = z.toJSONSchema(manifest, {
  io: 'input',
  unrepresentable: 'any',
}) as unknown as Schema

test('the example is accepted, and asks for nothing that is not built', () => {
  assert.deepEqual(notBuilt(example), [])
  assert.equal(manifest.safeParse(example).error, undefined)
})

test('every key of the schema occurs in the example', () => {
  // A ladder is the same, wherever it is written.
  const asList = (place: string) => place.replace('.standby.ladder.', '.standby.')
  const shown = new Set(placesOf(example).flatMap((place) => [place, asList(place)]))
  // Where one may stand for a list of one, the list shows what it is made of.
  const inList = (place: string) => place.replace(/\.([^.]+)$/, '.*.$1')
  assert.deepEqual(
    placesOfSchema(schema)
      .map(asList)
      .filter((place) => !shown.has(place) && !shown.has(inList(place))),
    [],
  )
})

test('every key of the example is explained, where its name does not say it all', () => {
  const lines = text.split('\n').filter((line) => /^ {0,8}[a-z]\w*:/.test(line))
  assert.ok(lines.filter((line) => line.includes('#')).length > 20)
})

test('where the example shows a default, it is the default', () => {
  const least = manifest.parse({
    apiVersion: 'beryl/v1',
    services: { a: { environment: { provider: 'process', command: ['a'] }, versions: { v: {} } } },
  })
  const full = manifest.parse(example)
  const { watch, switch: switch_, standby } = full.services['tagger']!
  const defaults = least.services['a']!
  assert.deepEqual(switch_, defaults.switch)
  assert.deepEqual(standby, defaults.standby)
  assert.deepEqual(usual(watch), usual(defaults.watch))
  assert.deepEqual(full.gateway.listen, least.gateway.listen)
  assert.deepEqual(full.api.listen, least.api.listen)
  assert.deepEqual(full.record, least.record)
})

/** What is there only where somebody asks for it has no default. */
function usual(watch: ServiceManifest['watch']) {
  const { latency, validity, handoff, drift, own: _, ...rest } = watch
  return {
    ...rest,
    latency: { ...latency, p95: undefined },
    validity: { ...validity, answer: undefined, schema: undefined, refusal: undefined, json: null },
    handoff: { ...handoff, answer: undefined, matches: undefined },
    drift: { ...drift, answer: undefined },
  }
}

/** What a reader of `beryl schema` would refuse, `validate` refuses, and the other way round, for all that is structure. */
const wrong: [name: string, change: (one: Record<string, any>) => void][] = [
  ['an unknown key', (one) => (one['extra'] = 1)],
  ['no apiVersion', (one) => delete one['apiVersion']],
  ['another apiVersion', (one) => (one['apiVersion'] = 'beryl/v2')],
  ['a list of services', (one) => (one['services'] = [])],
  ['a service name with capitals', (one) => (one['services'].Tagger = one['services'].tagger)],
  ['a service named like a release', (one) => (one['services'].r7 = one['services'].tagger)],
  ['no environment', (one) => delete one['services'].tagger.environment],
  ['an empty command', (one) => (one['services'].tagger.environment.command = [])],
  ['another provider', (one) => (one['services'].tagger.environment.provider = 'docker')],
  ['a number as a duration', (one) => (one['services'].tagger.switch.drain = 30)],
  ['a wrong unit', (one) => (one['services'].tagger.switch.drain = '30sec')],
  ['too many replicas', (one) => (one['services'].tagger.environment.replicas = 101)],
  ['half a replica', (one) => (one['services'].tagger.environment.replicas = 1.5)],
  ['an address without a port', (one) => (one['api'].listen = 'localhost')],
  ['a gate of two kinds', (one) => (one['services'].tagger.verify[0].goldenSet = {})],
  ['an unknown score', (one) => (one['services'].tagger.verify[2].goldenSet.score = 'best')],
  ['a rung of two kinds', (one) => (one['services'].tagger.standby = [{ full: '1m', for: '1m' }])],
  ['a command for external servers', (one) => (one['services'].legacy.environment.command = ['a'])],
  ['addresses for processes', (one) => (one['services'].tagger.environment.blue = ['http://a:1'])],
  ['an address with a path', (one) => (one['services'].legacy.environment.blue[0] += '/v1')],
  ['another scheme', (one) => (one['services'].legacy.environment.blue[0] = 'ftp://a')],
  ['no green place', (one) => delete one['services'].legacy.environment.green],
  ['a capture without an end', (one) => (one['services'].tagger.capture.keep = 'for ever')],
]

test('the schema accepts the example', () => assert.deepEqual(refusals(schema, example), []))

for (const [name, change] of wrong) {
  test(`the schema and validate both refuse ${name}`, () => {
    const changed = structuredClone(example) as Record<string, unknown>
    change(changed)
    assert.notDeepEqual(refusals(schema, changed), [])
    assert.notEqual(manifest.safeParse(changed).error, undefined)
  })
}

/** `services.*.verify.*.warmUp.within` and so on; `*` for names and indexes. */
function placesOfSchema(one: Schema, at = ''): string[] {
  const properties = Object.entries(one.properties ?? {}).flatMap(([key, child]) => [
    `${at}${key}`,
    ...placesOfSchema(child, `${at}${key}.`),
  ])
  const further = [
    ...(typeof one.additionalProperties === 'object' ? [one.additionalProperties] : []),
    ...(one.items === undefined ? [] : [one.items]),
  ].flatMap((child) => placesOfSchema(child, `${at}*.`))
  return [
    ...properties,
    ...further,
    ...[...(one.anyOf ?? []), ...(one.oneOf ?? [])].flatMap((child) => placesOfSchema(child, at)),
  ]
}

function placesOf(value: unknown, at: readonly string[] = ['']): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, child]) => {
    // A key may be a name that the manifest chooses, or one of the schema's: both readings are shown.
    const places = at.flatMap((one) => [`${one}${key}`, `${one}*`])
    return [
      ...places,
      ...placesOf(
        child,
        places.map((place) => `${place}.`),
      ),
    ]
  })
}

/** As much of JSON Schema (2020-12) as the manifest's needs; anything else in it fails loudly. */
function refusals(one: Record<string, any>, value: unknown, at = '$'): string[] {
  const unknown = Object.keys(one).filter((key) => !(key in rules) && !silent.has(key))
  assert.deepEqual(unknown, [], `${at}: keywords this test does not know`)
  return Object.entries(one).flatMap(([key, wanted]) => rules[key]?.(wanted, value, at, one) ?? [])
}

/** Annotations, and what another rule reads. */
const silent = new Set(['$schema', 'default', 'description', 'format'])

type Rule = (wanted: any, value: any, at: string, whole: Record<string, any>) => string[]

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const no = (isRight: boolean, at: string, what: string) => (isRight ? [] : [`${at}: ${what}`])

const types: Record<string, (value: unknown) => boolean> = {
  object: isMapping,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
}

const rules: Record<string, Rule> = {
  type: (wanted, value, at) => no(types[wanted]!(value), at, `no ${wanted}`),
  const: (wanted, value, at) => no(value === wanted, at, `not ${wanted}`),
  enum: (wanted, value, at) => no(wanted.includes(value), at, `none of ${wanted}`),
  pattern: (wanted, value, at) =>
    no(typeof value !== 'string' || new RegExp(wanted, 'u').test(value), at, `not like ${wanted}`),
  minLength: (wanted, value, at) =>
    no(typeof value !== 'string' || value.length >= wanted, at, 'short'),
  minimum: (wanted, value, at) => no(typeof value !== 'number' || value >= wanted, at, 'small'),
  maximum: (wanted, value, at) => no(typeof value !== 'number' || value <= wanted, at, 'large'),
  minItems: (wanted, value, at) => no(!Array.isArray(value) || value.length >= wanted, at, 'few'),
  maxItems: (wanted, value, at) => no(!Array.isArray(value) || value.length <= wanted, at, 'many'),
  required: (wanted: string[], value, at) =>
    isMapping(value) ? wanted.flatMap((key) => no(Object.hasOwn(value, key), at, `no ${key}`)) : [],
  properties: (wanted, value, at) =>
    isMapping(value)
      ? Object.entries(value).flatMap(([key, child]) =>
          Object.hasOwn(wanted, key) ? refusals(wanted[key], child, `${at}.${key}`) : [],
        )
      : [],
  additionalProperties: (wanted, value, at, { properties = {} }) =>
    isMapping(value)
      ? Object.entries(value).flatMap(([key, child]) =>
          Object.hasOwn(properties, key)
            ? []
            : wanted === false
              ? [`${at}: ${key} is unknown`]
              : refusals(wanted, child, `${at}.${key}`),
        )
      : [],
  propertyNames: (wanted, value, at) =>
    isMapping(value)
      ? Object.keys(value).flatMap((key) => refusals(wanted, key, `${at}.${key}`))
      : [],
  prefixItems: (wanted: any[], value, at) =>
    Array.isArray(value)
      ? wanted.flatMap((one, index) =>
          index < value.length ? refusals(one, value[index], `${at}[${index}]`) : [],
        )
      : [],
  items: (wanted, value, at, { prefixItems = [] }) =>
    Array.isArray(value)
      ? value
          .slice(prefixItems.length)
          .flatMap((one, index) => refusals(wanted, one, `${at}[${index}]`))
      : [],
  anyOf: (wanted: any[], value, at) =>
    no(
      wanted.some((one) => refusals(one, value, at).length === 0),
      at,
      'none of the choices',
    ),
  oneOf: (wanted: any[], value, at) =>
    no(
      wanted.filter((one) => refusals(one, value, at).length === 0).length === 1,
      at,
      'not one of the choices',
    ),
  allOf: (wanted: any[], value, at) => wanted.flatMap((one) => refusals(one, value, at)),
}
