/** run: a container of a service for one command, beside those that the service has. */
import { withApiSocket } from '#compose/apply/api-socket.ts';
import { createFor, pretend, projectLabels, withReferences } from '#compose/apply/converge.ts';
import { type CreateOptions, checkServices, createProject } from '#compose/apply/create.ts';
import { copyFiles } from '#compose/apply/files.ts';
import type { Present } from '#compose/apply/identify.ts';
import { ensureImages } from '#compose/apply/images.ts';
import { mountsOf } from '#compose/apply/mounts.ts';
import { linksOf } from '#compose/apply/networking.ts';
import { imageOf, requestOf } from '#compose/apply/request.ts';
import { presentNow, type Scope } from '#compose/apply/scope.ts';
import { startProject, waitFor } from '#compose/apply/start.ts';
import { serviceHash } from '#compose/model/hash.ts';
import { LABEL } from '#compose/model/labels.ts';
import type { Project, Service } from '#compose/model/project.ts';
import { newId } from '#container/names.ts';

export interface OneOff {
  /** As the command line changes it; its dependencies are the project's. */
  service: Service;
  name?: string;
  autoRemove: boolean;
  interactive: boolean;
  /** Is it found under the service's aliases? */
  aliases: boolean;
  /** Nothing is started for it, or waited for. */
  noDeps: boolean;
}

/** Brings what the service depends on, and makes the container; it is not started. */
export async function createOneOff(
  scope: Scope,
  project: Project,
  oneOff: OneOff,
  options: CreateOptions,
): Promise<Present> {
  const { noDeps } = oneOff;
  const service = withApiSocket(project, oneOff.service);
  const own = { ...project, services: { ...project.services, [service.name]: service } };
  checkServices(own);
  await startDependencies(scope, project, oneOff, options);
  const single = { ...own, services: { [service.name]: service } };
  const images = await ensureImages(scope, single, options);
  const containers = presentNow(scope, project.name);
  if (!noDeps) {
    const dependencies = service.depends_on ?? {};
    await waitFor(scope, own, { dependant: service.name, dependencies, containers });
  }
  return make(
    scope,
    own,
    { ...oneOff, service },
    { containers, image: images.get(imageOf(project.name, service)) ?? '' },
  );
}

/** The project without the service: its networks and volumes are made in any case. */
async function startDependencies(scope: Scope, project: Project, { service }: OneOff, options: CreateOptions) {
  const { [service.name]: own, ...others } = project.services;
  const disabledServices =
    own === undefined ? project.disabledServices : { ...project.disabledServices, [own.name]: own };
  const rest = { ...project, services: others, disabledServices };
  await createProject(scope, rest, options);
  if (Object.keys(others).length > 0) await startProject(scope, rest);
}

interface Surroundings {
  containers: readonly Present[];
  image: string;
}

async function make(
  scope: Scope,
  project: Project,
  oneOff: OneOff,
  { containers, image }: Surroundings,
): Promise<Present> {
  const slug = newId();
  const generated = [project.name, oneOff.service.name, 'run', slug.slice(0, 12)].join(scope.separator ?? '-');
  const name = oneOff.name || generated;
  const byService = Map.groupBy(
    containers.filter(({ isOneOff }) => !isOneOff),
    (container) => container.service,
  );
  const { restart: _, ...wanted } = oneOff.service;
  const service = withReferences(
    { containers: byService },
    {
      ...wanted,
      container_name: name,
      scale: 1,
      ...(wanted.deploy === undefined ? {} : { deploy: withoutPolicy(wanted.deploy) }),
    },
  );
  const request = requestOf(project, service, {
    name,
    hash: serviceHash(service),
    labels: { ...projectLabels(scope, project, service, image), [LABEL.slug]: slug, [LABEL.oneoff]: 'True' },
    mounts: mountsOf(project, service, { warn: scope.warn }),
    links: linksOf(project.name, service, { number: -1, containers }),
    aliases: oneOff.aliases,
    attachStdin: oneOff.interactive,
    autoRemove: oneOff.autoRemove,
  });
  if (scope.pretended !== undefined) return pretend(scope.pretended, { ...request, name }, image);
  const made = await createFor(scope, service, { ...request, name });
  await copyFiles(scope, project, service, made.id);
  return made;
}

function withoutPolicy({ restart_policy: _, ...deploy }: NonNullable<Service['deploy']>) {
  return deploy;
}
