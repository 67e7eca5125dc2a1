/** What a model leaves to be understood is written out: the default network, dependencies, names in the engine. */
import { parseBool } from '#base/units.ts';
import { cleanPath } from '#compose/model/mounts.ts';
import type { FileObject } from '#compose/model/project.ts';
import { isMap, mapAt, sprint, type Tree, type TreeMap } from '#compose/model/tree.ts';

type Environment = Readonly<Record<string, string>>;

/** Normalizes a tree in long form, in place. environment: for variables of services and builds without a value. */
export function normalize(tree: TreeMap, name: string, environment: Environment): TreeMap {
  tree.name = name;
  connectServices(tree);
  for (const service of Object.values(mapAt(tree, 'services'))) {
    if (isMap(service)) normalizeService(service, environment);
  }
  for (const kind of ['networks', 'volumes', 'configs', 'secrets']) nameResources(tree, kind, name);
  return tree;
}

/** Who names no network is in `default`, which is there as soon as somebody uses it. */
function connectServices(tree: TreeMap): void {
  let isUsed = false;
  for (const service of Object.values(mapAt(tree, 'services'))) {
    if (!isMap(service) || 'provider' in service || 'network_mode' in service) continue;
    if (Object.keys(mapAt(service, 'networks')).length === 0) service.networks = { default: null };
    isUsed ||= 'default' in mapAt(service, 'networks');
  }
  if (!isUsed) return;
  const networks = mapAt(tree, 'networks');
  networks.default ??= null;
  tree.networks = networks;
}

function normalizeService(service: TreeMap, environment: Environment): void {
  if (service.pull_policy === 'if_not_present') service.pull_policy = 'missing';
  if (isMap(service.build)) {
    const { build } = service;
    build.context ??= '.';
    if (build.dockerfile_inline === undefined) build.dockerfile ??= 'Dockerfile';
    if (build.args !== undefined) build.args = resolveVariables(build.args, environment, false);
  }
  if (service.environment !== undefined) {
    service.environment = resolveVariables(service.environment, environment, true);
  }
  for (const volume of Array.isArray(service.volumes) ? service.volumes : []) {
    if (isMap(volume) && typeof volume.target === 'string') volume.target = cleanPath(volume.target);
  }
  const dependsOn = { ...impliedDependencies(service), ...mapAt(service, 'depends_on') };
  if (Object.keys(dependsOn).length > 0) service.depends_on = dependsOn;
}

/** Links, namespaces and volumes of another service: it must be there first. */
function impliedDependencies(service: TreeMap): TreeMap {
  const found: TreeMap = {};
  const add = (name: string, restart: boolean) => {
    found[name] ??= { condition: 'service_started', restart, required: true };
  };
  for (const link of texts(service.links)) {
    const parts = link.split(':');
    add(parts.length === 2 ? (parts[0] ?? '') : link, true);
  }
  for (const key of ['network_mode', 'ipc', 'pid', 'uts', 'cgroup']) {
    const value = service[key];
    if (typeof value === 'string' && value.startsWith('service:')) add(value.slice('service:'.length), true);
  }
  for (const from of texts(service.volumes_from)) {
    if (!from.startsWith('container:')) add(from.split(':')[0] ?? '', false);
  }
  return found;
}

const texts = (value: Tree): string[] => (Array.isArray(value) ? value.map(String) : []);

/** `NAME` alone has the environment's value; where there is none it stays without one, or is dropped. */
function resolveVariables(value: Tree, environment: Environment, keep: boolean): Tree {
  const known = (name: string) => (Object.hasOwn(environment, name) ? environment[name] : undefined);
  if (Array.isArray(value)) {
    return value.flatMap((item) => {
      const text = String(item);
      if (text.includes('=')) return [text];
      const found = known(text);
      if (found !== undefined) return [`${text}=${found}`];
      return keep ? [text] : [];
    });
  }
  if (!isMap(value)) return value;
  const resolved = Object.entries(value).map(([name, text]): [string, Tree] => [name, text ?? known(name) ?? null]);
  return Object.fromEntries(keep ? resolved : resolved.filter(([, text]) => text !== null));
}

/** A resource without a name of its own has the project's before its key; an external one its key. */
function nameResources(tree: TreeMap, kind: string, project: string): void {
  const resources = mapAt(tree, kind);
  for (const [key, value] of Object.entries(resources)) {
    const resource = isMap(value) ? value : {};
    const isExternal = resource.external !== undefined && parseBool(sprint(resource.external)) === true;
    resource.name ??= isExternal ? key : `${project}_${key}`;
    resources[key] = resource;
  }
}

/** What a secret takes from the environment stands here meanwhile: the schema allows it no content. */
const SECRET_VALUE = 'x-#value';

/** Gives the secrets of a project that value as their content, in place. */
export function fillSecrets(secrets: Readonly<Record<string, FileObject>>): void {
  for (const secret of Object.values(secrets)) {
    const value = secret[SECRET_VALUE];
    if (typeof value !== 'string') continue;
    secret.content = value;
    delete secret[SECRET_VALUE];
  }
}

/**
 * Variables of lists (`- NAME`), and what secrets and configs take from the environment, in place. `normalize` does the
 * same for maps.
 */
export function resolveEnvironment(tree: TreeMap, environment: Environment): TreeMap {
  for (const service of Object.values(mapAt(tree, 'services'))) {
    if (isMap(service) && Array.isArray(service.environment)) {
      service.environment = resolveVariables(service.environment, environment, true);
    }
  }
  for (const [kind, key] of Object.entries({ secrets: SECRET_VALUE, configs: 'content' })) {
    for (const object of Object.values(mapAt(tree, kind))) {
      if (!isMap(object) || typeof object.environment !== 'string') continue;
      if (Object.hasOwn(environment, object.environment)) object[key] = environment[object.environment];
    }
  }
  return tree;
}
