/** `use_api_socket`: Docker's socket, and what its client knows of registries, as volumes and a variable of the service. */
import type { Project, Service, ServiceVolume } from '#compose/model/project.ts';
import { apiAccess } from '#container/api-socket.ts';

/** The project with its services' sockets; it is the same one where none wants any. */
export function withApiSockets(project: Project): Project {
  const { services } = project;
  if (!Object.values(services).some(({ use_api_socket }) => use_api_socket)) return project;
  const entries = Object.entries(services).map(([name, one]) => [name, withApiSocket(project, one)]);
  return { ...project, services: Object.fromEntries(entries) };
}

export function withApiSocket(project: Project, service: Service): Service {
  if (!service.use_api_socket) return service;
  const isPlaced = Object.hasOwn(service.environment ?? {}, 'DOCKER_CONFIG');
  const { binds, environment } = apiAccess(project.environment, isPlaced);
  const volumes = binds.map(
    ({ source, target, readOnly }): ServiceVolume => ({
      type: 'bind',
      source,
      target,
      bind: {},
      ...(readOnly ? { read_only: true } : {}),
    }),
  );
  return {
    ...service,
    volumes: [...(service.volumes ?? []), ...volumes],
    environment: { ...environment, ...service.environment },
  };
}
