/** A compose file's services as targets: those that have a build section, each with the extension `x-bake`. */
import { buffer } from 'node:stream/consumers';
import { WherryError } from '#base/error.ts';
import { type Entry, readEntry } from '#build/bake/entry.ts';
import type { Definition, FieldName, Target } from '#build/bake/fields.ts';
import { fieldOf } from '#build/bake/parse.ts';
import { asMap, type Value } from '#build/bake/value.ts';
import { loadProject } from '#compose/load.ts';
import type { Build, Project, Service } from '#compose/model/project.ts';

export interface ComposeOptions {
  environment: NodeJS.ProcessEnv;
  warn: (text: string) => void;
}

/** Throws what the loader throws. */
export async function readCompose(
  files: readonly string[],
  { environment, warn }: ComposeOptions,
): Promise<Definition> {
  const project = await loadProject({
    files,
    cwd: process.cwd(),
    projectDirectory: process.cwd(),
    projectName: environment.COMPOSE_PROJECT_NAME || 'bake',
    profiles: ['*'],
    environment: environment as Record<string, string>,
    stdin: async () => (await buffer(process.stdin)).toString('utf8'),
    resolvePaths: false,
    normalize: false,
    consistency: false,
    warn,
  });
  const targets = new Map<string, Target>();
  for (const [name, service] of Object.entries(project.services)) {
    if (service.build !== undefined) targets.set(name.replaceAll('.', '_'), targetOf(project, service, environment));
  }
  return { groups: new Map([['default', { targets: [...targets.keys()] }]]), targets, variables: [] };
}

function targetOf(
  project: Project,
  { build = {}, image, environment: own = {} }: Service,
  environment: NodeJS.ProcessEnv,
): Target {
  const tags = build.tags?.length ? build.tags : undefined;
  const target: Record<string, unknown> = {
    context: build.context,
    contexts: linked(build.additional_contexts),
    dockerfile: build.dockerfile,
    'dockerfile-inline': build.dockerfile_inline,
    args: argumentsOf(build, (name) => own[name] ?? environment[name]),
    labels: build.labels,
    tags,
    'cache-from': build.cache_from?.flatMap((text) => readEntry('cache', text)),
    'cache-to': build.cache_to?.flatMap((text) => readEntry('cache', text)),
    target: build.target,
    secret: build.secrets?.map(({ source = '' }) => secretOf(project, source)),
    ssh: build.ssh?.flatMap((text) => readEntry('ssh', text)).sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1)),
    platforms: build.platforms,
    pull: build.pull,
    'no-cache': build.no_cache,
    network: build.network,
    'shm-size': build.shm_size,
    ulimits: Object.entries(build.ulimits ?? {}).map(([name, limit]) => ulimitOf(name, limit)),
    attest: attestsOf(build),
    'extra-hosts': hostsOf(build.extra_hosts),
    entitlements: build.entitlements,
  };
  for (const [name, value] of Object.entries(extensionOf(build))) target[name] = joined(name, target[name], value);
  if (target.tags === undefined && image !== undefined) target.tags = [image];
  return Object.fromEntries(Object.entries(target).filter(([, value]) => value !== undefined));
}

/** `service:name` is another target. */
function linked(contexts: Readonly<Record<string, string>> | undefined): Record<string, string> | undefined {
  const link = (value: string) => {
    const name = /^(?:service|target):(.*)$/.exec(value)?.[1];
    return name === undefined ? value : `target:${name.replaceAll('.', '_')}`;
  };
  return contexts && Object.fromEntries(Object.entries(contexts).map(([name, value]) => [name, link(value)]));
}

function argumentsOf(
  { args = {} }: Build,
  lookup: (name: string) => string | null | undefined,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(args).flatMap(([name, value]) => {
      const found = value ?? lookup(name);
      return found === undefined || found === null ? [] : [[name, found]];
    }),
  );
}

function secretOf({ secrets = {} }: Project, source: string): Entry {
  const { file, environment, external, name } = secrets[source] ?? {};
  if (external) throw new WherryError('unsupported', `unsupported external secret ${name ?? source}`);
  return { id: source, ...(file ? { src: file } : {}), ...(environment ? { env: environment } : {}) };
}

function ulimitOf(name: string, limit: NonNullable<Build['ulimits']>[string]): string {
  const { soft, hard } = typeof limit === 'number' ? { soft: limit, hard: limit } : limit;
  return `${name}=${soft}:${hard}`;
}

function attestsOf({ sbom, provenance }: Build): Entry[] | undefined {
  const wanted = [...attest('sbom', sbom), ...attest('provenance', provenance)];
  return wanted.length === 0 ? undefined : wanted.flatMap((text) => readEntry('attest', text));
}

/** `true`, `false` and `mode=max` as --attest has them. */
function attest(type: string, value: string | undefined): string[] {
  if (value === undefined || value === '') return [];
  if (value === 'true' || value === 'false') return [`type=${type}${value === 'true' ? '' : ',disabled=true'}`];
  return [`type=${type},${value}`];
}

function hostsOf(hosts: readonly string[] | undefined): Record<string, string> | undefined {
  const pairs = hosts
    ?.map((text) => /^([^=:]*)[=:](.*)$/.exec(text))
    .map((match) => [match?.[1] ?? '', match?.[2] ?? '']);
  return pairs && Object.fromEntries(pairs);
}

/** Of `x-bake`: a text where a list is meant has its words. */
const EXTENSION: readonly FieldName[] = [
  'tags',
  'cache-from',
  'cache-to',
  'secret',
  'ssh',
  'platforms',
  'output',
  'pull',
  'no-cache',
  'no-cache-filter',
  'contexts',
];

function extensionOf(build: Build): Record<string, unknown> {
  const written = build['x-bake'];
  if (written === undefined || written === null) return {};
  const own = asMap(written as Value);
  return Object.fromEntries(
    EXTENSION.flatMap((name) => {
      const value = own[name];
      if (value === undefined || value === null) return [];
      const isWords = typeof value === 'string' && !['pull', 'no-cache', 'contexts'].includes(name);
      const read = fieldOf(name, isWords ? value.split(/\s+/).filter((word) => word !== '') : value);
      return [[name, name === 'contexts' ? linked(read as Record<string, string>) : read]];
    }),
  );
}

/** What the file itself says of a context holds; lists come behind its own. */
function joined(name: string, own: unknown, extension: unknown): unknown {
  if (own === undefined || typeof extension === 'boolean') return extension;
  if (name === 'contexts') return { ...(extension as object), ...(own as object) };
  return [...(own as unknown[]), ...(extension as unknown[])];
}
