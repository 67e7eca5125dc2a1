/** Where Docker's client has its configuration and its engine, by what the environment says: pure. */

/** DOCKER_CONFIG in a container that is given the client's configuration. */
export const API_CONFIG = '/run/secrets/docker';

/** The engine's socket, whether it is there or not: where DOCKER_HOST names one, that. */
export function socketPath(env: Readonly<Record<string, string | undefined>>): string {
  return /^unix:\/\/(.+)/.exec(env.DOCKER_HOST ?? '')?.[1] ?? '/var/run/docker.sock';
}
