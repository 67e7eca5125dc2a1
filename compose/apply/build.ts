/** Of a build section what the builder is asked for. All that can be said without reading is said before anything is built. */
import { isAbsolute, join, relative } from 'node:path';
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { parseBytes } from '#base/units.ts';
import { type ContextWords, checkContext } from '#build/context/open.ts';
import { settleGrants } from '#build/grants.ts';
import {
  type AttestOption,
  readCache,
  readNetwork,
  readPlatforms,
  readProvenance,
  readSsh,
  shortAttests,
} from '#build/options.ts';
import type { BuildSecret, BuildSsh } from '#build/request.ts';
import { entitlementsOf, imageLabels, imageNames, secretsOf, targetName } from '#compose/apply/build-section.ts';
import { imageOf } from '#compose/apply/request.ts';
import { ulimitsOf } from '#compose/apply/resources.ts';
import { buildPlatforms } from '#compose/model/platforms.ts';
import type { Build, Project, Service } from '#compose/model/project.ts';
import type { Wanted } from '#engine/build-wanted.ts';

export interface BuildWishes {
  push?: boolean;
  /** Bytes of memory for what runs. */
  memory?: number;
  /** For all platforms that a service names; otherwise for the one that it runs on. */
  isEverywhere?: boolean;
  /** Over those that services have of their own. */
  attests?: readonly AttestOption[];
}

/** What is to be built for a service. */
export interface ServiceBuild {
  service: Service;
  /** What progress and errors call it. */
  target: string;
  /** The services whose images it builds upon. */
  needs: string[];
  words: Omit<ContextWords, 'stdin'>;
  wanted: Wanted;
}

const BUILT = /^service:(.+)$/s;

/** The services whose images this one builds upon. */
function neededBy({ services }: Project, { build: definition }: Service): Service[] {
  const values = Object.values(definition?.additional_contexts ?? {});
  return values.map((value) => services[BUILT.exec(value)?.[1] ?? '']).filter((service) => service !== undefined);
}

/**
 * With what they build upon (additional_contexts: service:x), each once and after that. Throws kind `invalid` for services
 * that build upon each other.
 */
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

/** Throws kind `invalid` and `unsupported` in docker compose's and BuildKit's words. */
export function serviceBuild(project: Project, service: Service, wishes: BuildWishes): ServiceBuild {
  const definition = service.build ?? {};
  const { context = '.', dockerfile_inline: inline } = definition;
  checkContext(context);
  return {
    service,
    target: targetName(service.name),
    needs: neededBy(project, service).map(({ name }) => name),
    words: { context, file: dockerfileOf(definition), named: namedContexts(project, definition), ...given({ inline }) },
    wanted: wantedOf(project, service, wishes),
  };
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

function wantedOf(project: Project, service: Service, wishes: BuildWishes): Wanted {
  const { push = false, isEverywhere = false, attests = [], memory } = wishes;
  const { build: definition = {} } = service;
  const { args = {}, ulimits, network = 'default', shm_size: shmSize } = definition;
  const known = Object.entries(args).map(([name, value]) => [name, value ?? project.environment[name]]);
  const names = imageNames(project, service);
  return {
    target: definition.target ?? '',
    buildArgs: Object.fromEntries(known.filter(([, value]) => value !== undefined)),
    labels: imageLabels(project, service),
    annotations: [],
    platforms: readPlatforms(buildPlatforms(project, service, { isEverywhere })),
    noCache: definition.no_cache ?? false,
    noCacheFilter: [],
    pull: definition.pull ?? false,
    network: readNetwork(network),
    hosts: definition.extra_hosts ?? [],
    ulimits: (ulimitsOf(ulimits) ?? []).map(({ Name, Soft, Hard }) => ({ name: Name, soft: Soft, hard: Hard })),
    limits: given({ memory }),
    securityOptions: [],
    allow: [...entitlementsOf(definition), ...(network === 'host' ? ['network.host'] : [])],
    ...settleGrants({ secrets: grantedSecrets(project, definition), ssh: agentsOf(definition) }, project.environment),
    outputs: [{ type: 'image', names, push: push && Boolean(service.image) }],
    cacheFrom: (definition.cache_from ?? []).flatMap(readCache),
    cacheTo: (definition.cache_to ?? []).flatMap(readCache),
    ...given({
      shmSize: shmSize === undefined ? undefined : parseBytes(shmSize),
      provenance: readProvenance([...shortAttests(definition), ...attests]),
    }),
  };
}

/** --ssh over the file's, one of an id. */
function agentsOf({ ssh = [] }: Build): BuildSsh[] {
  return [...new Map(ssh.map(readSsh).map((agent) => [agent.id, agent])).values()];
}

const grantedSecrets = (project: Project, build: Build): BuildSecret[] =>
  secretsOf(project, build).map(({ id, file, environment }) => ({ id, ...given({ file, env: environment }) }));
