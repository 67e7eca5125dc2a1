/** `use_api_socket`: Docker's socket, and what its client knows of registries, as volumes and a variable of the service. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { API_CONFIG, socketPath } from '#base/docker-paths.ts';
import type { Project, Service, ServiceVolume } from '#compose/model/project.ts';

/** The project with its services' sockets; it is the same one where none wants any. */
export function withApiSockets(project: Project): Project {
  const { services } = project;
  if (!Object.values(services).some(({ use_api_socket }) => use_api_socket)) return project;
  const entries = Object.entries(services).map(([name, one]) => [name, withApiSocket(project, one)]);
  return { ...project, services: Object.fromEntries(entries) };
}

export function withApiSocket({ environment }: Project, service: Service): Service {
  if (!service.use_api_socket) return service;
  const config = join(environment.DOCKER_CONFIG || join(environment.HOME ?? '/', '.docker'), 'config.json');
  const bound = (source: string, target: string): ServiceVolume => ({ type: 'bind', source, target, bind: {} });
  const volumes = [...(service.volumes ?? []), bound(socketPath(environment), '/var/run/docker.sock')];
  // Who names a place for the configuration has one there already.
  const isPlaced = Object.hasOwn(service.environment ?? {}, 'DOCKER_CONFIG');
  if (!isPlaced && existsSync(config)) volumes.push({ ...bound(config, `${API_CONFIG}/config.json`), read_only: true });
  return {
    ...service,
    volumes,
    environment: { ...(isPlaced ? {} : { DOCKER_CONFIG: API_CONFIG }), ...service.environment },
  };
}
