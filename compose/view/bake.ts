/** The file that `docker buildx bake` would build the same images from (`compose build --print`). */
import { imageOf } from '#compose/apply/request.ts';
import { COMPOSE_VERSION, LABEL } from '#compose/model/labels.ts';
import type { Build, Project, Service } from '#compose/model/project.ts';

interface BakeOptions {
  push: boolean;
  check: boolean;
}

/** Bake's JSON: a group with all, and a target each by name. */
export function bakeFile(project: Project, services: readonly Service[], options: BakeOptions): object {
  const targets = services.map((service) => targetName(service));
  const entries = [...services]
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map((service) => [targetName(service), targetOf(project, service, options)]);
  return { group: { default: { targets } }, target: Object.fromEntries(entries) };
}

/** A dot would end a target's name. */
const targetName = ({ name }: Service) => name.replaceAll('.', '_');

function targetOf(project: Project, service: Service, { push, check }: BakeOptions): object {
  const build: Build = service.build ?? {};
  const { context = '.', dockerfile = 'Dockerfile', dockerfile_inline: inline } = build;
  const isPath = context.startsWith('/');
  const target = {
    context,
    contexts: contextsOf(build),
    dockerfile:
      inline === undefined
        ? isPath && !dockerfile.startsWith('/')
          ? `${context}/${dockerfile}`
          : dockerfile
        : undefined,
    'dockerfile-inline': inline,
    args: build.args,
    labels: {
      ...build.labels,
      [LABEL.project]: project.name,
      [LABEL.service]: service.name,
      [LABEL.version]: COMPOSE_VERSION,
    },
    tags: [imageOf(project.name, service), ...(build.tags ?? [])],
    'cache-from': build.cache_from,
    'cache-to': build.cache_to,
    secret: build.secrets?.map(({ source = '', target: id = source }) => secretOf(project, source, id)),
    ssh: build.ssh,
    platforms: service.platform ? [service.platform] : build.platforms,
    target: build.target,
    pull: build.pull,
    'no-cache': build.no_cache,
    network: build.network,
    'shm-size': build.shm_size,
    entitlements: build.entitlements,
    call: check ? 'lint' : undefined,
    output: [push && service.image ? 'type=registry' : 'type=docker'],
  };
  return Object.fromEntries(Object.entries(target).filter(([, value]) => isSaid(value)));
}

/** Another service's image is that of another target. */
function contextsOf({ additional_contexts: contexts = {} }: Build): Record<string, string> {
  const named = ([name, value]: [string, string]) => [name, value.replace(/^service:/, 'target:')];
  return Object.fromEntries(Object.entries(contexts).map(named));
}

/** Go leaves out what is empty. */
function isSaid(value: unknown): boolean {
  if (value === undefined || value === '' || value === false) return false;
  return typeof value !== 'object' || value === null || Object.keys(value).length > 0;
}

function secretOf({ secrets = {} }: Project, source: string, id: string): string {
  const { file, environment } = secrets[source] ?? {};
  return file === undefined ? `id=${id},type=env,env=${environment ?? ''}` : `id=${id},type=file,src=${file}`;
}
