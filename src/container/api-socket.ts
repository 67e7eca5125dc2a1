/** `--use-api-socket` and `use_api_socket`: what a container gets that speaks with Docker's engine as its user does. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { configPath, socketPath } from '#base/docker-paths.ts';

interface ApiAccess {
  binds: { source: string; target: string; readOnly: boolean }[];
  environment: Record<string, string>;
}

/** Where the client's configuration is in such a container. */
const CONFIG = '/run/secrets/docker/config.json';

/**
 * Docker's socket, and what its client knows of registries, where that knows any.
 * env: the user's. isPlaced: the container is told of a DOCKER_CONFIG already, and has its own there.
 */
export function apiAccess(env: Readonly<Record<string, string | undefined>>, isPlaced: boolean): ApiAccess {
  const binds = [{ source: socketPath(env), target: '/var/run/docker.sock', readOnly: false }];
  if (isPlaced) return { binds, environment: {} };
  const source = configPath(env);
  if (existsSync(source)) binds.push({ source, target: CONFIG, readOnly: true });
  return { binds, environment: { DOCKER_CONFIG: dirname(CONFIG) } };
}
