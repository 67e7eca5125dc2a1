/** The images of services that are built, those first that others build upon. */
import { isAbsolute, join, relative } from 'node:path';
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { parseBytes } from '#base/units.ts';
import { openContexts } from '#build/context/open.ts';
import type { Report } from '#build/event.ts';
import { settleGrants } from '#build/grants.ts';
import { type AttestOption, provenanceOf, readCache, readPlatforms, readSsh, shortAttests } from '#build/options.ts';
import { vertexId } from '#build/progress.ts';
import type { BuildRequest, BuildSecret, BuildSsh } from '#build/request.ts';
import type { Wanted } from '#cli/build/request.ts';
import { explain, solving, Unbuilt } from '#cli/build/say.ts';
import { checkWanted } from '#cli/build/together.ts';
import type { Context } from '#cli/command.ts';
import { showBuild } from '#cli/solve/show.ts';
import { imageOf } from '#compose/apply/request.ts';
import { ulimitsOf } from '#compose/apply/resources.ts';
import type { Scope } from '#compose/apply/scope.ts';
import { COMPOSE_VERSION, LABEL } from '#compose/model/labels.ts';
import { buildPlatforms } from '#compose/model/platforms.ts';
import type { Build, Project, Service } from '#compose/model/project.ts';
import { type BuildOptions, build } from '#engine/build.ts';

export interface BuildServices {
  scope: Scope;
  quiet: boolean;
  /** auto, plain, tty, rawjson; absent: as --progress of builds. */
  progress?: string;
  push?: boolean;
  /** Bytes of memory for what runs. */
  memory?: number;
  /** Nothing is built: what is bad style in the Dockerfiles is told of. */
  check?: boolean;
  /** For all platforms that a service names; otherwise for the one that it runs on. */
  isEverywhere?: boolean;
  /** Over those that services have of their own. */
  attests?: readonly AttestOption[];
}

/**
 * Builds them, those at once that don't build upon each other, and shows all in one. Throws what the first build that
 * failed has thrown, when the others have ended; what was built until then stays.
 */
export async function buildServices(
  context: Context,
  project: Project,
  services: readonly Service[],
  options: BuildServices,
): Promise<void> {
  const ordered = inBuildOrder(project, services);
  if (options.scope.pretended !== undefined) return pretendBuild(project, ordered, options.scope);
  const mode = options.quiet ? 'quiet' : (options.progress ?? 'auto');
  const view = showBuild(context.out, mode);
  const jobs = new Map<string, Promise<string>>();
  try {
    for (const service of ordered) {
      const needed = neededBy(project, service).map(({ name }) => jobs.get(name));
      const report = ordered.length === 1 ? view.report : named(service.name, view.report);
      const job = Promise.all(needed).then(() => buildOne(context, project, service, { ...options, report }));
      job.catch(() => undefined);
      jobs.set(service.name, job);
    }
    await Promise.allSettled(jobs.values());
  } finally {
    view.end();
  }
  for (const service of ordered) {
    context.out.write((await jobs.get(service.name)?.catch((error) => giveUp(context, error))) ?? '');
    options.scope.report({ id: imageOf(project.name, service), state: 'Built', status: 'done' });
  }
}

/** Says where in the Dockerfile it failed, and throws why. */
function giveUp(context: Context, error: unknown): never {
  if (!(error instanceof Unbuilt)) throw error;
  context.err.write(error.lines);
  throw error.cause;
}

/** compose's words for a dry run. */
function pretendBuild(project: Project, services: readonly Service[], { report }: Scope): void {
  for (const service of services) {
    const about = { id: service.name, state: '', status: 'done' } as const;
    const id = `dryRun-${vertexId(service.name).slice(-40)}`;
    report({ ...about, text: `==> ==> writing image ${id}` });
    report({ ...about, text: `==> ==> naming to ${imageOf(project.name, service)}` });
    report({ ...about, state: 'Built' });
  }
}

/** `[2/5] RUN make` of the service web is `[web 2/5] RUN make` where several are built. */
function named(service: string, report: Report): Report {
  const idOf = (id: string) => vertexId(`${service} ${id}`);
  return (event) => {
    if (event.kind !== 'vertex') return report({ ...event, vertex: idOf(event.vertex) });
    const name = event.name.startsWith('[') ? `[${service} ${event.name.slice(1)}` : `[${service}] ${event.name}`;
    report({ ...event, id: idOf(event.id), name, inputs: event.inputs.map(idOf) });
  };
}

const BUILT = /^service:(.+)$/;

/** The services whose images this one builds upon. */
function neededBy({ services }: Project, { build: definition }: Service): Service[] {
  const values = Object.values(definition?.additional_contexts ?? {});
  return values.map((value) => services[BUILT.exec(value)?.[1] ?? '']).filter((service) => service !== undefined);
}

/** With what they build upon (additional_contexts: service:x), each once and after that. */
export function inBuildOrder(project: Project, services: readonly Service[]): Service[] {
  const ordered: Service[] = [];
  const visit = (service: Service, path: readonly string[]) => {
    if (ordered.includes(service) || service.build === undefined) return;
    if (path.includes(service.name)) {
      throw new WherryError('invalid', `dependency cycle detected: ${[...path, service.name].join(' -> ')}`);
    }
    for (const needed of neededBy(project, service)) visit(needed, [...path, service.name]);
    ordered.push(service);
  };
  for (const service of services) visit(service, []);
  return ordered;
}

/** What it says on standard output: only a check has something. */
async function buildOne(
  context: Context,
  project: Project,
  service: Service,
  { report, ...options }: BuildServices & { report: Report },
): Promise<string> {
  const definition = service.build ?? {};
  const { context: path = '.', dockerfile_inline: inline } = definition;
  const { scope, check = false, memory } = options;
  const { abort } = scope;
  const file = dockerfileOf(definition);
  const words = {
    context: path,
    file,
    named: namedContexts(project, definition),
    stdin: process.stdin,
    ...given({ inline }),
  };
  const wanted = wantedOf(project, service, definition, options);
  if (!check) for (const warning of checkWanted(wanted)) scope.warn(warning);
  using opened = await openContexts(context.store, words, { report, abort });
  const request = {
    ...wanted,
    limits: given({ memory }),
    dockerfile: opened.dockerfile,
    contexts: opened.contexts,
  };
  // Secrets may be variables of .env.
  const environment = { ...process.env, ...project.environment };
  const ways = { report, environment, ...given({ abort }) };
  if (check) return checkOne(context, service, { request, path, file }, ways);
  try {
    await build(context.store, request, ways);
  } catch (error) {
    abort?.throwIfAborted();
    const { dockerfile: source } = opened;
    throw new Unbuilt(solving(error), explain(error, source));
  }
  return '';
}

/** Throws kind `invalid` where the check finds something, as compose does. */
async function checkOne(
  context: Context,
  { name }: Service,
  { file, ...about }: { request: BuildRequest; path: string; file: string },
  options: BuildOptions,
): Promise<string> {
  const { callBuild } = await import('#cli/build/call.ts');
  const method = { name: 'check', json: false, ignoreStatus: false } as const;
  const { text, fault, status } = await callBuild(context, { method, values: { file }, ...about }, options);
  if (status === 0) return `${name}\n\n${text}\n`;
  context.out.write(`${name}\n\n${text}\n`);
  throw new WherryError('invalid', fault.trimEnd() || `the Dockerfile of ${name} has warnings`);
}

/** As a build's --file: from here, not from the context. */
function dockerfileOf({ context = '.', dockerfile }: Build): string {
  if (dockerfile === undefined || isAbsolute(dockerfile)) return dockerfile ?? '';
  return isAbsolute(context) ? relative(process.cwd(), join(context, dockerfile)) : dockerfile;
}

function namedContexts(project: Project, { additional_contexts: contexts = {} }: Build): Record<string, string> {
  return Object.fromEntries(
    Object.entries(contexts).map(([name, value]) => {
      const needed = project.services[BUILT.exec(value)?.[1] ?? ''];
      return [name, needed === undefined ? value : `docker-image://${imageOf(project.name, needed)}`];
    }),
  );
}

function wantedOf(
  project: Project,
  service: Service,
  definition: Build,
  { push = false, isEverywhere = false, attests = [] }: BuildServices,
): Wanted {
  const { entitlements = [], privileged, args = {}, ulimits, network = 'default' } = definition;
  checkNetwork(network);
  const known = Object.entries(args).map(([name, value]) => [name, value ?? project.environment[name]]);
  const allow = [...(privileged ? ['security.insecure'] : []), ...(network === 'host' ? ['network.host'] : [])];
  return {
    target: definition.target ?? '',
    buildArgs: Object.fromEntries(known.filter(([, value]) => value !== undefined)),
    labels: {
      ...definition.labels,
      [LABEL.project]: project.name,
      [LABEL.service]: service.name,
      [LABEL.version]: COMPOSE_VERSION,
    },
    annotations: [],
    platforms: readPlatforms(buildPlatforms(project, service, { isEverywhere })),
    noCache: definition.no_cache ?? false,
    noCacheFilter: [],
    pull: definition.pull ?? false,
    network: network === 'host' || network === 'none' ? network : 'default',
    hosts: (definition.extra_hosts ?? []).map((entry) => entry.replace('=', ':')),
    ulimits: (ulimitsOf(ulimits) ?? []).map(({ Name, Soft, Hard }) => ({ name: Name, soft: Soft, hard: Hard })),
    limits: {},
    securityOptions: [],
    allow: [...entitlements, ...allow],
    ...settleGrants({ secrets: secretsOf(project, definition), ssh: agentsOf(definition) }, process.env),
    outputs: [
      {
        type: 'image',
        names: [imageOf(project.name, service), ...(definition.tags ?? [])],
        push: push && Boolean(service.image),
      },
    ],
    cacheFrom: (definition.cache_from ?? []).flatMap(readCache),
    cacheTo: (definition.cache_to ?? []).flatMap(readCache),
    ...given({
      shmSize: definition.shm_size === undefined ? undefined : parseBytes(definition.shm_size),
      provenance: provenanceOf([...shortAttests(definition), ...attests]),
    }),
  };
}

/** Throws kind `invalid` in BuildKit's words. */
function checkNetwork(mode: string): void {
  if (['default', 'bridge', 'host', 'none', ''].includes(mode)) return;
  throw new WherryError('invalid', `network mode "${mode}" not supported by buildkit`, {
    hint: 'Use default, host or none',
  });
}

/** --ssh over the file's, one of an id. */
function agentsOf({ ssh = [] }: Build): BuildSsh[] {
  return [...new Map(ssh.map(readSsh).map((agent) => [agent.id, agent])).values()];
}

/** Those that are neither a file nor a variable are left out, as docker compose does. */
function secretsOf(project: Project, { secrets = [] }: Build): BuildSecret[] {
  return secrets.flatMap(({ source = '', target }): BuildSecret[] => {
    const { file, environment } = project.secrets?.[source] ?? {};
    const id = target || source;
    if (file) return [{ id, file }];
    return environment ? [{ id, env: environment }] : [];
  });
}
