/** Which platforms a service's image is built for. */
import type { Project, Service } from '#compose/model/project.ts';
import { invalid } from '#compose/model/tree.ts';

/**
 * All that the service names (isEverywhere), or the one that it runs on; none is this machine's. Throws kind `invalid` in
 * compose's words.
 */
export function buildPlatforms(
  project: Pick<Project, 'environment'>,
  { name, platform, build }: Service,
  { isEverywhere }: { isEverywhere: boolean },
): string[] {
  const { platforms = [] } = build ?? {};
  const usual = project.environment.DOCKER_DEFAULT_PLATFORM;
  if (!platform && usual && platforms.length > 0 && !platforms.includes(usual)) {
    const what = `build.platforms does not support value set by DOCKER_DEFAULT_PLATFORM: ${usual}`;
    throw invalid(`service ${JSON.stringify(name)} ${what}`);
  }
  const wanted = platform || usual;
  if (wanted && (!isEverywhere || platforms.length === 0)) return [wanted];
  return isEverywhere || platforms.length === 1 ? [...platforms] : [];
}
