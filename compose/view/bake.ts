/** The file that `docker buildx bake` would build the same images from (`compose build --print`). */
import { entitlementsOf, imageLabels, imageNames, secretsOf, targetName } from '#compose/apply/build-section.ts';
import { buildPlatforms } from '#compose/model/platforms.ts';
import type { Build, Project, Service } from '#compose/model/project.ts';

interface BakeOptions {
  push: boolean;
  check: boolean;
}

/** Bake's JSON: a group with all, and a target each by name. */
export function bakeFile(project: Project, services: readonly Service[], options: BakeOptions): object {
  const targets = services.map(({ name }) => targetName(name));
  const entries = [...services]
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map((service) => [targetName(service.name), targetOf(project, service, options)]);
  return { group: { default: { targets } }, target: Object.fromEntries(entries) };
}

function targetOf(project: Project, service: Service, { push, check }: BakeOptions): object {
  const build: Build = service.build ?? {};
  const { context = '.', dockerfile = 'Dockerfile', dockerfile_inline: inline } = build;
  const isPath = context.startsWith('/');
  const platforms = buildPlatforms(project, service, { isEverywhere: true });
  const target = {
    context,
    contexts: contextsOf(build),
    dockerfile:
      inline === undefined
        ? isPath && !dockerfile.startsWith('/')
          ? `${context}/${dockerfile}`
          : dockerfile
        : undefined,
    'dockerfile-inline': literal(inline),
    args: Object.fromEntries(Object.entries(build.args ?? {}).map(([name, value]) => [name, literal(value)])),
    labels: imageLabels(project, service),
    tags: imageNames(project, service),
    'cache-from': build.cache_from,
    'cache-to': build.cache_to,
    secret: secretsOf(project, build).map(secretText),
    ssh: build.ssh?.map((entry) => (entry.includes('=') ? entry : `${entry}=`)),
    platforms,
    target: build.target,
    pull: build.pull,
    'no-cache': build.no_cache,
    network: build.network,
    'shm-size': build.shm_size,
    ulimits: Object.entries(build.ulimits ?? {}).map(([name, limit]) =>
      typeof limit === 'number' ? `${name}=${limit}` : `${name}=${limit.soft}:${limit.hard}`,
    ),
    entitlements: entitlementsOf(build),
    'extra-hosts': hostsOf(build),
    ...(check ? { call: 'lint' } : { output: [outputOf(platforms, push && Boolean(service.image))] }),
    attest: [...attestOf('provenance', build.provenance), ...attestOf('sbom', build.sbom)],
  };
  return Object.fromEntries(Object.entries(target).filter(([, value]) => isSaid(value)));
}

/** Another service's image is that of another target. */
function contextsOf({ additional_contexts: contexts = {} }: Build): Record<string, string> {
  const asTarget = (_: string, service: string) => `target:${targetName(service)}`;
  const named = ([name, value]: [string, string]) => [name, value.replace(/^service:(.*)$/s, asTarget)];
  return Object.fromEntries(Object.entries(contexts).map(named));
}

/** Go leaves out what is empty. */
function isSaid(value: unknown): boolean {
  if (value === undefined || value === '' || value === false) return false;
  return typeof value !== 'object' || value === null || Object.keys(value).length > 0;
}

function secretText({ id, file, environment }: ReturnType<typeof secretsOf>[number]): string {
  return environment === undefined ? `id=${id},type=file,src=${file}` : `id=${id},type=env,env=${environment}`;
}

/** What bake would take for one of its variables is no more than text. */
function literal<T extends string | null | undefined>(text: T): T | string {
  return typeof text === 'string' ? text.replaceAll('${', () => '$${') : text;
}

/** `host=ip` -> host: its addresses. */
function hostsOf({ extra_hosts: entries = [] }: Build): Record<string, string> {
  const hosts: Record<string, string> = {};
  for (const entry of entries) {
    const [, name = '', address = ''] = /^([^=]*)=(.*)$/s.exec(entry) ?? [];
    hosts[name] = Object.hasOwn(hosts, name) ? `${hosts[name]},${address}` : address;
  }
  return hosts;
}

function outputOf(platforms: readonly string[], push: boolean): string {
  if (platforms.length > 1) return `type=image,push=${push}`;
  return push ? 'type=registry' : 'type=docker';
}

function attestOf(type: string, value: string | undefined): string[] {
  if (!value || value === 'false') return [];
  return [value === 'true' ? `type=${type}` : `type=${type},${value}`];
}
