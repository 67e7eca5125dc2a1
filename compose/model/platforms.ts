/** Which platforms a service's image is built for. */
import type { Project, Service } from '#compose/model/project.ts';
import { invalid } from '#compose/model/tree.ts';

/**
 * Does every service that is built know the platform that the environment asks for? Throws kind `invalid` in compose's
 * words.
 */
export function checkPlatforms({ environment, services }: Pick<Project, 'environment' | 'services'>): void {
  const { DOCKER_DEFAULT_PLATFORM: usual } = environment;
  if (!usual) return;
  for (const { name, platform, build } of Object.values(services)) {
    const { platforms = [] } = build ?? {};
    if (platform || platforms.length === 0 || platforms.includes(usual)) continue;
    const what = `build.platforms does not support value set by DOCKER_DEFAULT_PLATFORM: ${usual}`;
    throw invalid(`service ${JSON.stringify(name)} ${what}`);
  }
}

/**
 * All that the service names (isEverywhere), or the one that it runs on; none is this machine's. It is among
 * those that the service names: checkPlatforms().
 */
export function buildPlatforms(
  project: Pick<Project, 'environment'>,
  { platform, build }: Service,
  { isEverywhere }: { isEverywhere: boolean },
): string[] {
  const { platforms = [] } = build ?? {};
  const usual = project.environment.DOCKER_DEFAULT_PLATFORM;
  const wanted = platform || usual;
  if (wanted && (!isEverywhere || platforms.length === 0)) return [wanted];
  return isEverywhere || platforms.length === 1 ? [...platforms] : [];
}
