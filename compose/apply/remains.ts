/** A project of which only the name is known: what its containers, networks and volumes tell of it. */
import { WherryError } from '#base/error.ts';
import type { Present } from '#compose/apply/identify.ts';
import { projectNetworks } from '#compose/apply/networks.ts';
import { projectVolumes } from '#compose/apply/volumes.ts';
import { LABEL } from '#compose/model/labels.ts';
import type { DependsOn, Project, Service } from '#compose/model/project.ts';
import type { Store } from '#engine/open.ts';

/** As docker compose's projectFromName: the services are those that have containers. */
export async function projectFrom(store: Store, name: string, containers: readonly Present[]): Promise<Project> {
  const services: Record<string, Service> = {};
  for (const container of containers.filter(({ isOneOff }) => !isOneOff)) {
    const { service, record } = container;
    const known = services[service];
    services[service] = {
      name: service,
      image: record.config.Image,
      depends_on: dependenciesOf(record.config.Labels[LABEL.dependsOn] ?? ''),
      ...known,
      scale: (known?.scale ?? 0) + 1,
    };
  }
  const networks = await projectNetworks(store, name);
  const volumes = projectVolumes(store, name);
  return {
    name,
    services,
    networks: Object.fromEntries(networks.map(({ key, record }) => [key, { name: record.name }])),
    volumes: Object.fromEntries(volumes.map(({ key, volume }) => [key, { name: volume.Name }])),
    workingDir: '',
    composeFiles: [],
    environment: {},
    profiles: [],
    disabledServices: {},
  };
}

/** `db:service_started:false,cache:service_healthy:true`; what is not there any more is not waited for. */
function dependenciesOf(text: string): Record<string, DependsOn> {
  const entries = text.split(',').filter((entry) => entry !== '');
  return Object.fromEntries(
    entries.map((entry) => {
      const [name = '', condition = 'running_or_healthy', restart] = entry.split(':');
      return [name, { condition, restart: restart !== 'false', required: false }];
    }),
  );
}

/** Throws kind `invalid` in compose's words for a service without containers. */
function checkNamed({ services }: Project, asked: readonly string[]): void {
  const missing = asked.find((name) => !Object.hasOwn(services, name));
  if (missing !== undefined) throw new WherryError('invalid', `no such service: "${missing}": not found`);
}

/** The named services with what they depend on; without names all. */
export function selectExisting(project: Project, asked: readonly string[]): Project {
  checkNamed(project, asked);
  if (asked.length === 0) return project;
  const chosen = new Set<string>();
  const visit = (name: string) => {
    const service = project.services[name];
    if (chosen.has(name) || service === undefined) return;
    chosen.add(name);
    for (const dependency of Object.keys(service.depends_on ?? {})) visit(dependency);
  };
  for (const name of asked) visit(name);
  const services = Object.entries(project.services).filter(([name]) => chosen.has(name));
  return { ...project, services: Object.fromEntries(services) };
}
