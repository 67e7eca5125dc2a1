/** pull: the images of a project's services, those that several have once. */
import { given } from '#base/given.ts';
import { together } from '#base/together.ts';
import { localId, pullService } from '#compose/apply/images.ts';
import type { Scope } from '#compose/apply/scope.ts';
import type { Project, Service } from '#compose/model/project.ts';

export interface PullProject {
  quiet: boolean;
  /** What can't be pulled is left out. */
  ignoreFailures: boolean;
  /** Images that can be built are not asked for. */
  ignoreBuildable: boolean;
}

/**
 * Pulls them. What can be built may be missing: it is told in the end how. Throws what the first pull that failed has
 * thrown, when the others have ended.
 */
export async function pullProject(scope: Scope, project: Project, options: PullProject): Promise<void> {
  const wanted: Service[] = [];
  for (const service of Object.values(project.services)) {
    const reason = await reasonToSkip(scope, project, service, { ...options, wanted });
    if (reason === undefined) wanted.push(service);
    else scope.report({ id: service.name, text: reason, state: '', status: 'done' });
  }
  const toBuild: string[] = [];
  const errors: unknown[] = [];
  const stop = new AbortController();
  const limit = Math.max(1, scope.parallel ?? wanted.length);
  try {
    await together(wanted, { limit, stop }, async (service) => {
      const canBuild = service.build !== undefined;
      const { quiet } = options;
      try {
        await pullService(scope, service, { ...platformOf(project, service), quiet, canBuild, stop: stop.signal });
      } catch (error) {
        errors.push(error);
        if (canBuild) toBuild.push(service.name);
        else if (!options.ignoreFailures) throw error;
      }
    });
  } finally {
    if (toBuild.length > 0) scope.report({ message: `${TO_BUILD}\n    docker compose build ${toBuild.join(' ')}` });
  }
  scope.abort?.throwIfAborted();
  if (errors.length > 0 && !options.ignoreFailures) throw errors[0];
}

const TO_BUILD = 'WARNING: Some service image(s) must be built from source by running:';

const platformOf = (project: Project, { platform }: Service) =>
  given({ platform: platform || project.environment.DOCKER_DEFAULT_PLATFORM || undefined });

/** compose's words for what is not pulled. */
async function reasonToSkip(
  { store }: Scope,
  project: Project,
  service: Service,
  { ignoreBuildable, wanted }: PullProject & { wanted: readonly Service[] },
): Promise<string | undefined> {
  const { image, build, pull_policy: policy } = service;
  if (!image) return 'Skipped - No image to be pulled';
  if (policy === 'never' || policy === 'build') return 'Skipped';
  if (policy === 'missing' || policy === 'if_not_present') {
    // What `latest` means may have changed: it is asked for again.
    const isPinned = /:(?!latest$)[^/:@]+$|@/.test(image);
    const isHere = isPinned && (await localId(store, image, platformOf(project, service).platform)) !== undefined;
    if (isHere) return 'Skipped - Image is already present locally';
  }
  if (build !== undefined && ignoreBuildable) return 'Skipped - Image can be built';
  const other = wanted.find((one) => one.image === image);
  return other === undefined ? undefined : `Skipped - Image is already being pulled by ${other.name}`;
}
