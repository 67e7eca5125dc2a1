/** The images of services that are built: one service after the other, those first that others build upon. */
import { isAbsolute, join, relative } from 'node:path';
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { parseBytes } from '#base/units.ts';
import { openContexts } from '#build/context/open.ts';
import { readCache, readPlatforms, readSsh } from '#build/options.ts';
import type { BuildSecret } from '#build/request.ts';
import type { Wanted } from '#cli/build/request.ts';
import type { Context } from '#cli/command.ts';
import { showBuild } from '#cli/solve/show.ts';
import { imageOf } from '#compose/apply/request.ts';
import { ulimitsOf } from '#compose/apply/resources.ts';
import type { Scope } from '#compose/apply/scope.ts';
import { COMPOSE_VERSION, LABEL } from '#compose/model/labels.ts';
import type { Build, Project, Service } from '#compose/model/project.ts';
import { build } from '#engine/build.ts';

export interface BuildServices {
  scope: Scope;
  quiet: boolean;
  /** auto, plain, tty, rawjson; absent: as --progress of builds. */
  progress?: string;
  /** What the command line says over the file. */
  over?: Partial<Build>;
  push?: boolean;
}

/** Builds them. Throws what a build throws; what was built until then stays. */
export async function buildServices(
  context: Context,
  project: Project,
  services: readonly Service[],
  options: BuildServices,
): Promise<void> {
  for (const service of inBuildOrder(project, services)) await buildOne(context, project, service, options);
  for (const service of services) {
    options.scope.report({ id: imageOf(project.name, service), state: 'Built', status: 'done' });
  }
}

const BUILT = /^service:(.+)$/;

/** With what they build upon (additional_contexts: service:x), each once and after that. */
function inBuildOrder(project: Project, services: readonly Service[]): Service[] {
  const ordered: Service[] = [];
  const visit = (service: Service, path: readonly string[]) => {
    if (ordered.includes(service) || service.build === undefined) return;
    if (path.includes(service.name)) {
      throw new WherryError('invalid', `dependency cycle detected: ${[...path, service.name].join(' -> ')}`);
    }
    for (const value of Object.values(service.build.additional_contexts ?? {})) {
      const needed = project.services[BUILT.exec(value)?.[1] ?? ''];
      if (needed !== undefined) visit(needed, [...path, service.name]);
    }
    ordered.push(service);
  };
  for (const service of services) visit(service, []);
  return ordered;
}

async function buildOne(context: Context, project: Project, service: Service, options: BuildServices): Promise<void> {
  const definition: Build = { ...service.build, ...options.over };
  const { context: path = '.', dockerfile_inline: inline } = definition;
  const mode = options.quiet ? 'quiet' : (options.progress ?? process.env.BUILDKIT_PROGRESS ?? 'auto');
  const view = showBuild(context.err, mode);
  const { abort } = options.scope;
  try {
    const words = {
      context: path,
      file: dockerfileOf(definition),
      named: namedContexts(project, definition),
      stdin: process.stdin,
      ...given({ inline }),
    };
    using opened = await openContexts(context.store, words, { report: view.report, abort });
    const wanted = wantedOf(project, service, definition, options.push ?? false);
    const request = { ...wanted, dockerfile: opened.dockerfile, contexts: opened.contexts };
    await build(context.store, request, { report: view.report, ...given({ abort }) });
  } finally {
    view.end();
  }
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

function wantedOf(project: Project, service: Service, definition: Build, push: boolean): Wanted {
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
    platforms: readPlatforms(platformsOf(project, service, definition)),
    noCache: definition.no_cache ?? false,
    noCacheFilter: [],
    pull: definition.pull ?? false,
    network: network === 'host' || network === 'none' ? network : 'default',
    hosts: (definition.extra_hosts ?? []).map((entry) => entry.replace('=', ':')),
    ulimits: (ulimitsOf(ulimits) ?? []).map(({ Name, Soft, Hard }) => ({ name: Name, soft: Soft, hard: Hard })),
    limits: {},
    securityOptions: [],
    allow: [...entitlements, ...allow],
    secrets: secretsOf(project, definition),
    ssh: (definition.ssh ?? []).map((entry) => readSsh(entry)),
    outputs: [
      {
        type: 'image',
        names: [imageOf(project.name, service), ...(definition.tags ?? [])],
        push: push && Boolean(service.image),
      },
    ],
    cacheFrom: (definition.cache_from ?? []).flatMap(readCache),
    cacheTo: (definition.cache_to ?? []).flatMap(readCache),
    ...given({ shmSize: definition.shm_size === undefined ? undefined : parseBytes(definition.shm_size) }),
  };
}

/** Throws kind `invalid` in BuildKit's words. */
function checkNetwork(mode: string): void {
  if (['default', 'bridge', 'host', 'none', ''].includes(mode)) return;
  throw new WherryError('invalid', `network mode "${mode}" not supported by buildkit`, {
    hint: 'Use default, host or none',
  });
}

/** The service's own where several are named and one has to run here. */
function platformsOf(project: Project, { platform }: Service, { platforms = [] }: Build): string[] {
  const wanted = platform ?? project.environment.DOCKER_DEFAULT_PLATFORM;
  if (wanted) return [wanted];
  return platforms.length > 0 ? [...platforms] : [];
}

function secretsOf(project: Project, { secrets = [] }: Build): BuildSecret[] {
  return secrets.map(({ source = '', target }) => {
    const { file, environment } = project.secrets?.[source] ?? {};
    const id = target || source;
    if (file) return { id, file };
    if (environment) return { id, env: environment };
    const what = `build.secrets only supports environment or file-based secrets: ${JSON.stringify(source)}`;
    throw new WherryError('invalid', what);
  });
}
