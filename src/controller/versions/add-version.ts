/** `beryl versions SERVICE add` and `remove`: a version beside those of the manifest, and one that goes. */
import type { Operations } from '../../api/operations.ts'
import type { AddAsked } from '../../api/version-shapes.ts'
import { describeIssue } from '../../config/describe-issue.ts'
import { fileKeys, version as versionSchema, versionName } from '../../config/manifest.ts'
import type { VersionText } from '../../config/manifest.ts'
import { gatesOf } from '../../config/gates.ts'
import { substitute } from '../../config/substitute.ts'
import { judges, versionProblems } from '../../config/version-problems.ts'
import { ProblemError } from '../../ipc/problem.ts'
import type { Now, Service } from '../../release/release.ts'
import { contentOf, versionDigest } from '../../versions/digest.ts'
import { MlflowError, mlflowVersion, readModelUri } from '../../versions/mlflow.ts'
import type { MlflowVersion } from '../../versions/mlflow.ts'
import type { Registry } from './registry.ts'
import type { Added } from './version-sources.ts'
import type { ControllerStore } from '../store.ts'

type Adding = {
  store: ControllerStore
  registry: Registry
  now: () => Now
  /** @throws ProblemError `no-such-service` */
  find: (service: string) => Service
  /** Why it cannot go now; null: it can. */
  holderOf: (service: Service, version: string) => string | null
  show: Operations['versions']['show']
}

export function addVersions({
  store,
  registry,
  now,
  find,
  holderOf,
  show,
}: Adding): Pick<Operations['versions'], 'add' | 'remove'> {
  return {
    async add(service, asked, by) {
      find(service)
      const { name } = asked
      const named = versionName.safeParse(name)
      if (!named.success) throw wrong([`name: ${named.error.issues[0]!.message}`])
      const from = asked.mlflow === null ? null : await fromMlflow(asked.mlflow)
      const written = writtenOf(asked, from)
      const content = await checked(service, name, written)
      const read = await contentOf(
        { ...content, env: written.env ?? {}, args: written.args ?? [] },
        registry.directory,
      ).catch((cause: unknown) => {
        throw unreadable(service, name, cause)
      })
      const digest = versionDigest(read)
      if (registry.isInManifest(service, name)) await sameAsManifest(service, name, digest)
      // No `await` from here on: who comes second finds what the first one registered.
      find(service)
      const known = store.versions.find(service, name)
      if (known !== null && known.digest !== digest) throw taken(service, name, known, digest)
      const added: Added = { written, by, mlflow: from?.source ?? null }
      const at = now().wall
      const files = fileKeys.flatMap((key) => (written[key] === undefined ? [] : [written[key]]))
      store.versions.put(
        {
          service,
          version: name,
          digest,
          registeredAt: known?.removedAt === null ? known.registeredAt : at,
          description: {
            notes: content.notes ?? null,
            source: content.source ?? null,
            content: read,
          },
          added,
        },
        {
          at,
          service,
          release: null,
          kind: 'command',
          by,
          text: `${by} added version ${name}${files.length === 0 ? '' : ` from ${files.join(', ')}`}${from === null ? '' : ` (version ${from.source.version} of ${from.source.model} in MLflow)`}`,
          data: { command: 'add', version: name, digest, mlflow: added.mlflow },
        },
      )
      return show(service, name)
    },

    remove(name, version, by) {
      const service = find(name)
      const known = store.versions.find(name, version)
      if (known === null || known.removedAt !== null)
        throw new ProblemError({
          status: 404,
          code: 'no-such-version',
          title: `${name} has no registered version ${version}`,
          hint: `beryl versions ${name} lists them`,
        })
      const holder = holderOf(service, version)
      if (holder !== null)
        throw new ProblemError({
          status: 409,
          code: 'version-in-use',
          title: `${version} of ${name} is ${holder}: it stays`,
          hint: `beryl versions ${name} show ${version}`,
        })
      store.versions.remove(name, [version], now().wall, {
        at: now().wall,
        service: name,
        release: null,
        kind: 'command',
        by,
        text: `${by} removed version ${version}: its name keeps its digest, and its files stay where they are`,
        data: { command: 'remove', version, digest: known.digest },
      })
      return { service: name, version, digest: known.digest }
    },
  }

  /** As strictly as the manifest is read. @throws ProblemError `wrong-version` */
  async function checked(service: string, name: string, written: VersionText) {
    const { value, missing } = substitute(written, process.env)
    if (missing.length > 0)
      throw wrong(
        missing.map(
          ({ path, name: variable }) =>
            `${path.join('.')}: the environment of this Beryl has no ${variable}; $\${${variable}} is the text itself`,
        ),
      )
    const parsed = versionSchema.safeParse(value)
    if (!parsed.success)
      throw wrong(
        parsed.error.issues
          .flatMap((issue) => describeIssue(issue, value))
          .map(({ path, message }) => `${path.map(String).join('.')}: ${message}`),
      )
    const content = parsed.data
    const manifest = registry.serviceOf(service)
    const problems = await versionProblems([], manifest, name, content, registry.directory)
    const unjudged = gatesOf(manifest).filter((gate) => !judges(gate, content))
    const all = [
      ...problems.map(({ path, message }) => `${path.slice(2).join('.') || name}: ${message}`),
      ...unjudged.map(
        (gate) => `expects: ${gate.name} has no limit of its own, and this version says no score`,
      ),
    ]
    if (all.length > 0) throw wrong(all)
    return content
  }

  /** @throws ProblemError `digest-changed` */
  async function sameAsManifest(service: string, name: string, digest: string): Promise<void> {
    const inManifest = versionDigest(await registry.readNow(service, name))
    if (inManifest === digest) return
    throw new ProblemError({
      status: 409,
      code: 'digest-changed',
      title: `the manifest names ${name} of ${service} too, and means ${inManifest}; what is added is ${digest}: a name means one thing`,
      hint: 'give it another name',
    })
  }
}

function writtenOf(asked: AddAsked, from: MlflowVersion | null): VersionText {
  const { expects, notes } = asked
  const commit = asked.commit ?? from?.commit ?? null
  const run = asked.run ?? from?.run ?? null
  const { model = from?.place, prompt, tokenizer, config } = asked.files
  const files = { model, prompt, tokenizer, config }
  const about = notes ?? from?.description ?? null
  return {
    ...Object.fromEntries(Object.entries(files).filter(([, file]) => file !== undefined)),
    ...(asked.args.length === 0 ? {} : { args: [...asked.args] }),
    ...(Object.keys(asked.env).length === 0 ? {} : { env: { ...asked.env } }),
    ...(Object.keys(expects).length === 0 ? {} : { expects: { ...expects } }),
    ...(about === null ? {} : { notes: about }),
    ...(commit === null && run === null
      ? {}
      : { source: { ...(commit === null ? {} : { commit }), ...(run === null ? {} : { run }) } }),
  }
}

/** @throws ProblemError `wrong-version`, `mlflow`, `no-such-model-version` */
async function fromMlflow({ model, url }: NonNullable<AddAsked['mlflow']>): Promise<MlflowVersion> {
  const asked = readModelUri(model)
  if (asked === null)
    throw wrong([`mlflow: expected models:/NAME/NUMBER or models:/NAME@ALIAS, came ${model}`])
  const tracking = process.env['MLFLOW_TRACKING_URI']
  const at = url ?? tracking ?? ''
  const parsed = URL.canParse(at) ? new URL(at) : null
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username + parsed.password)
    throw wrong([
      `mlflow: expected the address of its server, http://… or https://… without name and password, ${at === '' ? 'and MLFLOW_TRACKING_URI is not set for this Beryl' : `came ${at}`}`,
    ])
  return mlflowVersion(parsed, asked, { headers: signIn(parsed, tracking) }).catch(
    (error: unknown) => {
      if (!(error instanceof MlflowError)) throw error
      throw new ProblemError(
        {
          status: error.isMissing ? 404 : 502,
          code: error.isMissing ? 'no-such-model-version' : 'mlflow',
          title: `${error.message}; nothing was registered`,
          hint: error.isMissing ? `look at ${parsed.origin}/#/models` : `is ${parsed.origin} up?`,
        },
        { cause: error },
      )
    },
  )
}

/** As MLflow's own client does; only the server that this Beryl was told of gets to see it. */
function signIn(url: URL, tracking: string | undefined): Record<string, string> {
  if (tracking === undefined || !URL.canParse(tracking) || new URL(tracking).origin !== url.origin)
    return {}
  const {
    MLFLOW_TRACKING_TOKEN: token,
    MLFLOW_TRACKING_USERNAME: name,
    MLFLOW_TRACKING_PASSWORD: password = '',
  } = process.env
  if (name !== undefined)
    return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` }
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

function wrong(problems: readonly string[]): ProblemError {
  return new ProblemError({
    status: 400,
    code: 'wrong-version',
    title: problems.join('\n'),
    hint: 'nothing was registered: mend it, and add it again',
  })
}

function unreadable(service: string, name: string, cause: unknown): ProblemError {
  return new ProblemError(
    {
      status: 409,
      code: 'unreadable',
      title: `cannot read ${name} of ${service}: ${(cause as Error).message}`,
      hint: 'every file of a version must be readable by the Beryl that runs; nothing was registered',
    },
    { cause },
  )
}

function taken(
  service: string,
  name: string,
  known: { digest: string; removedAt: number | null },
  digest: string,
): ProblemError {
  return new ProblemError({
    status: 409,
    code: 'digest-changed',
    title: `${name} of ${service} ${known.removedAt === null ? 'is' : 'was'} registered with ${known.digest}, and this is ${digest}: a version never changes`,
    hint: 'give it a name of its own',
  })
}
