/** The order among services: what depends on another waits for it, all else happens at once. */
import { WherryError } from '#base/error.ts';
import type { Project, Service } from '#compose/model/project.ts';

/** Service -> the services of the project that it needs first. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/**
 * The graph of depends_on. Throws kind `invalid` in compose's words where a required service is none of the project's.
 */
export function dependencyGraph(project: Pick<Project, 'services' | 'disabledServices'>): Graph {
  const services = Object.values(project.services);
  return new Map(services.map((service) => [service.name, edges(project, service)]));
}

function edges({ services, disabledServices }: Pick<Project, 'services' | 'disabledServices'>, service: Service) {
  return Object.entries(service.depends_on ?? {}).flatMap(([name, { required }]) => {
    if (Object.hasOwn(services, name)) return [name];
    if (!required) return [];
    const disabled = disabledServices[name];
    if (disabled === undefined) throw new WherryError('invalid', `could not find ${name}: not found`);
    const profiles = `[${(disabled.profiles ?? []).join(' ')}]`;
    const what = `service ${name} is required by ${service.name} but is disabled`;
    throw new WherryError('invalid', `${what}. Can be enabled by profiles ${profiles}`);
  });
}

/** The same edges the other way round. */
export function reversed(graph: Graph): Graph {
  const turned = new Map<string, string[]>([...graph.keys()].map((name) => [name, []]));
  for (const [name, needs] of graph) for (const need of needs) turned.get(need)?.push(name);
  return turned;
}

/** A service and all that need it, directly or not. */
export function withDependents(graph: Graph, names: Iterable<string>): Set<string> {
  const dependents = reversed(graph);
  const found = new Set<string>();
  const visit = (name: string) => {
    if (found.has(name)) return;
    found.add(name);
    for (const other of dependents.get(name) ?? []) visit(other);
  };
  for (const name of names) visit(name);
  return found;
}

/**
 * Visits each service when those that it needs are done. After a first error nothing new begins, and it is thrown when
 * what was under way has ended. A cycle can't be here: loading refuses it.
 */
export async function inOrder(graph: Graph, visit: (service: string) => Promise<void>): Promise<void> {
  const visits = new Map<string, Promise<void>>();
  let failure: { error: unknown } | undefined;
  const begin = (name: string): Promise<void> => {
    const known = visits.get(name);
    if (known !== undefined) return known;
    const visited = (async () => {
      await Promise.all((graph.get(name) ?? []).map(begin));
      if (failure !== undefined) return;
      try {
        await visit(name);
      } catch (error) {
        failure ??= { error };
      }
    })();
    visits.set(name, visited);
    return visited;
  };
  await Promise.all([...graph.keys()].map(begin));
  if (failure !== undefined) throw failure.error;
}

/** Does all at once; the first error is thrown when each has ended. */
export async function allOf<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  let failure: { error: unknown } | undefined;
  await Promise.all(
    [...items].map(async (item) => {
      try {
        await work(item);
      } catch (error) {
        failure ??= { error };
      }
    }),
  );
  if (failure !== undefined) throw failure.error;
}
