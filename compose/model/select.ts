/** Which services are meant: those of the active profiles, those that were named, and what they need. */
import { globOf } from '#base/glob.ts';
import type { DependsOn, Project, Service } from '#compose/model/project.ts';
import { invalid } from '#compose/model/tree.ts';

type Services = Record<string, Service>;

const isActive = ({ profiles = [] }: Service, active: readonly string[]): boolean =>
  profiles.length === 0 || active.includes('*') || profiles.some((profile) => active.includes(profile));

/** The project with the services of these profiles; the others are there as disabled. */
export function withProfiles(project: Project, profiles: readonly string[]): Project {
  const services: Services = {};
  const disabledServices: Services = {};
  for (const [name, service] of Object.entries({ ...project.services, ...project.disabledServices })) {
    (isActive(service, profiles) ? services : disabledServices)[name] = service;
  }
  return { ...project, services, disabledServices, profiles: [...profiles] };
}

/** Who names a service means its profiles. */
export function withNamedEnabled(project: Project, names: readonly string[]): Project {
  if (names.length === 0) return project;
  const more = names.flatMap((name) => {
    return project.services[name] === undefined ? (project.disabledServices[name]?.profiles ?? []) : [];
  });
  return withProfiles(project, [...project.profiles, ...more]);
}

export type Dependencies = 'include' | 'ignore';

/**
 * The project with these services (names or patterns), and what they depend on; all where none is named. Dependencies on
 * others are forgotten. Throws kind `invalid`: `no such service: x`.
 */
export function withSelected(
  project: Project,
  names: readonly string[],
  dependencies: Dependencies = 'include',
): Project {
  if (names.length === 0) return project;
  const chosen = new Set<string>();
  choose(project, names, {}, chosen, dependencies);
  const services: Services = {};
  const disabledServices = { ...project.disabledServices };
  for (const [name, service] of Object.entries(project.services)) {
    if (!chosen.has(name)) {
      disabledServices[name] = service;
      continue;
    }
    services[name] = withoutDependencies(service, (other) => !chosen.has(other));
  }
  return { ...project, services, disabledServices };
}

function choose(
  project: Project,
  names: readonly string[],
  wanted: Readonly<Record<string, DependsOn>>,
  chosen: Set<string>,
  dependencies: Dependencies,
): void {
  for (const name of names) {
    const found = matching(project.services, name);
    if (found.length === 0 && wanted[name]?.required !== false) throw invalid(`no such service: ${name}`);
    for (const service of found) {
      if (chosen.has(service.name)) continue;
      chosen.add(service.name);
      const dependsOn = dependencies === 'include' ? (service.depends_on ?? {}) : {};
      choose(project, Object.keys(dependsOn), dependsOn, chosen, dependencies);
    }
  }
}

function matching(services: Services, name: string): Service[] {
  const named = services[name];
  if (named !== undefined) return [named];
  if (!/[*?[\\]/.test(name)) return [];
  const pattern = globOf(name);
  return Object.values(services).filter((service) => pattern.test(service.name));
}

function withoutDependencies(service: Service, isGone: (name: string) => boolean): Service {
  const { depends_on: dependsOn, ...rest } = service;
  if (dependsOn === undefined || !Object.keys(dependsOn).some(isGone)) return service;
  const kept = Object.entries(dependsOn).filter(([name]) => !isGone(name));
  return kept.length === 0 ? rest : { ...service, depends_on: Object.fromEntries(kept) };
}

const KINDS = ['networks', 'volumes', 'secrets', 'configs', 'models'] as const;

/** What a service uses of the project's. */
const USED: Record<(typeof KINDS)[number], (service: Service) => (string | undefined)[]> = {
  networks: ({ networks = {} }) => Object.keys(networks),
  volumes: ({ volumes = [] }) => volumes.filter(({ type }) => type === 'volume').map(({ source }) => source),
  secrets: ({ secrets = [], build }) => [...secrets, ...(build?.secrets ?? [])].map(({ source }) => source),
  configs: ({ configs = [] }) => configs.map(({ source }) => source),
  models: ({ models = {} }) => Object.keys(models),
};

/** The project without the networks, volumes, secrets, configs and models that no service of it uses. */
export function withoutUnused(project: Project): Project {
  const kept = { ...project };
  for (const kind of KINDS) {
    const used = new Set(Object.values(project.services).flatMap(USED[kind]));
    const entries = Object.entries(project[kind] ?? {}).filter(([name]) => used.has(name));
    if (entries.length === 0) delete kept[kind];
    else kept[kind] = Object.fromEntries(entries) as never;
  }
  return kept;
}
