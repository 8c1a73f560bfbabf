/** A gate as the manifest has it → what the examiner is asked, and what the heart knows of it. */
import { resolve } from 'node:path'
import { scoreName } from '../../config/scores.ts'
import type { NamedGate } from '../../config/gates.ts'
import type { GateManifest, ServiceManifest, VersionManifest } from '../../config/manifest.ts'
import { ProblemError } from '../../ipc/problem.ts'
import type { Gate } from '../../release/release.ts'
import type { CapturedRules, GateSpec, RequestShape } from '../../verification/gate.ts'
import { metadataMethod } from '../../protocols/grpc/kserve-messages.ts'
import { metadataPath } from '../../protocols/kserve-v2.ts'
import { modelsPath } from '../../protocols/openai/models.ts'
import { goldenLines } from '../../verification/golden-set/lines.ts'
import { fillingOf } from '../../versions/template.ts'
import { readingOf } from './reading-of.ts'
import { scoreOf } from './score-specs.ts'
import { compatibilitySpec, replaySpec, shadowSpec } from './traffic-gates.ts'

/** Below the client's own limit for one command. */
const goldenSetReadMs = 12_000

type Around = {
  version: string
  content: VersionManifest
  /** Golden sets and schemas. A rollback takes no such gate, and a broken file must not bar it. */
  files: 'read' | 'left out'
  /** Of the manifest. */
  directory: string
}

type Load = Extract<GateManifest, { load: unknown }>['load']
type GoldenSet = Extract<GateManifest, { goldenSet: unknown }>['goldenSet']

/** @throws ProblemError `golden-set` naming file and line */
export async function specOf(
  service: ServiceManifest,
  { name, gate }: NamedGate,
  all: readonly NamedGate[],
  around: Around,
): Promise<GateSpec> {
  const { directory } = around
  const golden = all.flatMap((one) => ('goldenSet' in one.gate ? one.gate.goldenSet : []))[0]
  const { protocol } = service
  if ('warmUp' in gate) {
    const { within, request, until, concurrency } = gate.warmUp
    const captured = capturedOf(service, gate.warmUp)
    const shape = request ?? golden?.request
    return {
      kind: 'warmUp',
      protocol: readingOf(protocol),
      withinS: within,
      until,
      request: shape === undefined ? null : shapeOf(shape),
      file: golden === undefined ? null : resolve(directory, golden.file),
      captured,
      concurrency,
    }
  }
  if ('identity' in gate) {
    const { headers, is, within } = gate.identity
    const fill = fillingOf(around.version, around.content, directory)
    const { path, answer, body } = metadataOf(gate.identity, protocol, fill)
    const method = body === undefined ? 'GET' : 'POST'
    return {
      kind: 'identity',
      request: { method, path, headers, timeoutS: within },
      ...(body === undefined ? {} : { body }),
      answer,
      is: fill(is),
      withinS: within,
    }
  }
  if ('goldenSet' in gate) return goldenSetOf(name, gate.goldenSet, protocol, around)
  if ('load' in gate) return loadOf(service, gate.load, golden, directory)
  if ('prometheus' in gate) {
    const { url, headers, query, atMost, atLeast, noWorseBy, within, for: held } = gate.prometheus
    return {
      kind: 'prometheus',
      url,
      headers,
      query,
      atMost: atMost ?? null,
      atLeast: atLeast ?? null,
      noWorseBy: noWorseBy ?? null,
      forS: held,
      withinS: within,
    }
  }
  if ('webhook' in gate) {
    const { url, headers, within } = gate.webhook
    return { kind: 'webhook', url, headers, withinS: within }
  }
  if ('shadow' in gate) return shadowSpec(service, gate.shadow)
  if ('replay' in gate) return replaySpec(service, gate.replay)
  if ('compatibility' in gate) return compatibilitySpec(service, gate.compatibility, around)
  const { run, env, within } = gate.command
  return { kind: 'command', run, env, directory, withinS: within }
}

/** Where a server says what it serves: as the manifest says, or as its protocol has it. */
function metadataOf(
  { path, model, answer }: Extract<GateManifest, { identity: unknown }>['identity'],
  protocol: ServiceManifest['protocol'],
  fill: (text: string) => string,
): { path: string; answer: string | null; body?: unknown } {
  if (path !== undefined) return { path, answer: answer ?? null }
  if (protocol === 'openai') return { path: modelsPath, answer: answer ?? '$.data[*].id' }
  if (protocol === 'grpc')
    return { path: metadataMethod, answer: answer ?? '$.versions[*]', body: { name: fill(model!) } }
  // `validate` refuses any other that gives no path.
  return { path: metadataPath(fill(model!)), answer: answer ?? '$.versions[*]' }
}

/** What reports only judges nothing: not even that a first release may do without an approval. */
export function gateOf({ name, gate }: NamedGate, spec: GateSpec): Gate {
  if (spec.kind === 'warmUp' || spec.kind === 'identity')
    return { name, kind: spec.kind, needsLive: false, absolute: false }
  const decides = !isDryRun(gate)
  if (spec.kind === 'load')
    // How fast it answers says nothing about what: no floor.
    return {
      name,
      kind: 'load',
      needsLive: 'ofPeak' in spec.rate,
      absolute: false,
      ...(decides ? {} : { dryRun: true }),
    }
  const floor = hasFloor(spec)
  return {
    name,
    kind: spec.kind,
    needsLive: !floor,
    absolute: floor && decides,
    ...(decides ? {} : { dryRun: true }),
  }
}

/** A limit of its own; a webhook and a command have whatever their authors thought of. */
function hasFloor(spec: Exclude<GateSpec, { kind: 'warmUp' | 'identity' | 'load' }>): boolean {
  if (spec.kind === 'goldenSet')
    return [spec.atLeast, spec.atMost, spec.expects, spec.perSlice?.atLeast].some(
      (one) => one != null,
    )
  // What is recorded is what a live version was asked: without one there is nothing.
  if (spec.kind === 'shadow' || spec.kind === 'replay' || spec.kind === 'compatibility')
    return false
  return spec.kind !== 'prometheus' || spec.atLeast !== null || spec.atMost !== null
}

function isDryRun(gate: GateManifest): boolean {
  return Object.values(gate).some((one) => 'dryRun' in one && one.dryRun)
}

/** Recorded requests come first where nothing else is asked for by name; with `from: captures` nothing else will do. */
function capturedOf(
  { capture, requests: { copy } }: ServiceManifest,
  { from, request, headers }: Pick<Load, 'from' | 'request' | 'headers'>,
): CapturedRules | null {
  if (capture === undefined || from === 'goldenSet' || request !== undefined) return null
  return { copy, headers, only: from === 'captures' }
}

/** Its peak is measured when it begins. */
function loadOf(
  service: ServiceManifest,
  gate: Load,
  golden: GoldenSet | undefined,
  directory: string,
): GateSpec {
  const { rate, for: held, ramp, p95, firstToken, errors, request, within } = gate
  const shape = request ?? golden?.request
  return {
    kind: 'load',
    protocol: readingOf(service.protocol),
    rate: 'ofPeak' in rate ? { ...rate, peak: null } : rate,
    forS: held,
    ramp: ramp === undefined ? null : { toPerSecond: ramp.to, stepS: ramp.step },
    p95Ms: p95 * 1000,
    firstTokenMs: firstToken === undefined ? null : firstToken * 1000,
    errors,
    request: shape === undefined ? null : shapeOf(shape),
    file: golden === undefined ? null : resolve(directory, golden.file),
    captured: capturedOf(service, gate),
    withinS: within,
  }
}

async function goldenSetOf(
  name: string,
  gate: GoldenSet,
  protocol: ServiceManifest['protocol'],
  { content: { expects }, files, directory }: Around,
): Promise<GateSpec> {
  const { file, request, answer, score, within, concurrency, slice, perSlice } = gate
  const { atLeast, atMost, noWorseBy } = gate
  const path = resolve(directory, file)
  return {
    kind: 'goldenSet',
    protocol: readingOf(protocol),
    file: path,
    digest: files === 'read' ? await wholeGoldenSet(path) : 'left out',
    request: shapeOf(request),
    answer: answer ?? null,
    score: await scoreOf(score, { directory, files }),
    atLeast: atLeast ?? null,
    atMost: atMost ?? null,
    noWorseBy: noWorseBy ?? null,
    expects: expects[name] ?? expects[scoreName(score)] ?? null,
    slice: slice ?? null,
    perSlice:
      perSlice === undefined
        ? null
        : {
            atLeast: perSlice.atLeast ?? null,
            noWorseBy: perSlice.noWorseBy ?? null,
            lines: perSlice.lines,
          },
    withinS: within,
    concurrency,
  }
}

/**
 * Every line can be used, or the release does not begin: a gate that finds out later leaves a candidate waiting for a person.
 * @returns the digest @throws ProblemError `golden-set` naming file and line
 */
async function wholeGoldenSet(file: string): Promise<string> {
  const lines = goldenLines(file, AbortSignal.timeout(goldenSetReadMs))
  try {
    for (;;) {
      const next = await lines.next()
      if (next.done === true) return next.value
    }
  } catch (cause) {
    throw new ProblemError(
      {
        status: 400,
        code: 'golden-set',
        title: (cause as Error).message,
        hint: 'a line is {"request": body, "expected": value}; mend it and deploy again: nothing was started',
      },
      { cause },
    )
  }
}

function shapeOf({
  method,
  path,
  headers,
  timeout,
}: {
  method: RequestShape['method']
  path: string
  headers: Record<string, string>
  timeout: number
}): RequestShape {
  return { method, path, headers, timeoutS: timeout }
}
