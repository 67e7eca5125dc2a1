/** Does a project hold together? What it names must be there, what excludes each other must not stand together. */
import type { Build, Deploy, Project, Service } from '#compose/model/project.ts';
import { invalid } from '#compose/model/tree.ts';

/** Throws kind `invalid` in compose's words. */
export function checkConsistency(project: Project): void {
  for (const service of Object.values(project.services)) {
    checkSource(project, service);
    checkNetworks(project, service);
    checkHealth(service);
    checkDependencies(project, service);
    checkResources(project, service);
    checkScale(service);
    checkLimits(service);
    checkWatch(service);
    checkMounts(service);
  }
  for (const [name, secret] of Object.entries(project.secrets ?? {})) {
    if (secret.external || secret.file || secret.environment) continue;
    throw invalid(`secret ${quoted(name)} must declare either \`file\` or \`environment\`: invalid compose project`);
  }
  checkCycles(project);
}

const quoted = (text: string) => JSON.stringify(text);

/** compose's own kind of error, which it writes behind the reason. */
const unsound = (message: string) => invalid(`${message}: invalid compose project`);

function checkSource(project: Project, service: Service): void {
  const { name, build, image, provider, platform } = service;
  if (build === undefined) {
    if (image || provider !== undefined) return;
    throw unsound(`service ${quoted(name)} has neither an image nor a build context specified`);
  }
  if (build.dockerfile_inline && build.dockerfile) {
    throw unsound(`service ${quoted(name)} declares mutualy exclusive dockerfile and dockerfile_inline`);
  }
  checkContexts(project, name, build);
  if (platform && build.platforms !== undefined && !build.platforms.includes(platform)) {
    throw unsound(`service.build.platforms MUST include service.platform ${quoted(platform)}`);
  }
}

function checkContexts(project: Project, name: string, build: Build): void {
  for (const [context, source] of Object.entries(build.additional_contexts ?? {})) {
    if (!source.startsWith('service:')) continue;
    const target = source.slice('service:'.length);
    const other = project.services[target];
    const where = `as additional contexts ${context}`;
    if (other === undefined)
      throw invalid(`service ${quoted(name)} declares unknown service ${quoted(target)} ${where}`);
    if (other.build === undefined) {
      throw invalid(`service ${quoted(name)} declares non-buildable service ${quoted(target)} ${where}`);
    }
  }
}

function checkNetworks(project: Project, { name, network_mode: mode, networks = {} }: Service): void {
  const names = Object.keys(networks);
  if (mode && names.length > 0) {
    throw unsound(`service ${name} declares mutually exclusive \`network_mode\` and \`networks\``);
  }
  const missing = names.sort().find((network) => project.networks?.[network] === undefined);
  if (missing !== undefined) throw unsound(`service ${quoted(name)} refers to undefined network ${missing}`);
}

function checkHealth({ healthcheck }: Service): void {
  const [first] = healthcheck?.test ?? [];
  if (first === undefined || ['CMD', 'CMD-SHELL', 'NONE'].includes(first)) return;
  throw invalid('healthcheck.test must start either by "CMD", "CMD-SHELL" or "NONE"');
}

function checkDependencies(project: Project, { name, depends_on: dependsOn = {}, network_mode: mode = '' }: Service) {
  for (const [other, { required }] of Object.entries(dependsOn)) {
    if (project.services[other] !== undefined) continue;
    if (project.disabledServices[other] !== undefined && !required) continue;
    throw unsound(`service ${quoted(name)} depends on undefined service ${quoted(other)}`);
  }
  if (!mode.startsWith('service:')) return;
  const other = mode.slice('service:'.length);
  if (project.services[other] === undefined) {
    throw invalid(`service ${quoted(other)} not found for network_mode 'service:${other}'`);
  }
}

function checkResources(project: Project, service: Service): void {
  const need = (what: string, names: (string | undefined)[], known: object | undefined) => {
    const missing = names.find((name) => name !== undefined && !Object.hasOwn(known ?? {}, name));
    if (missing !== undefined) throw unsound(`service ${quoted(service.name)} refers to undefined ${what} ${missing}`);
  };
  const volumes = (service.volumes ?? []).filter(({ type, source }) => type === 'volume' && source);
  need('volume', sources(volumes), project.volumes);
  need('build secret', sources(service.build?.secrets), project.secrets);
  need('config', sources(service.configs), project.configs);
  need('model', Object.keys(service.models ?? {}), project.models);
  need('secret', sources(service.secrets), project.secrets);
}

const sources = (items: readonly { source?: string }[] = []) => items.map(({ source }) => source);

function checkScale({ name, scale, deploy, container_name: containerName }: Service): void {
  if (scale !== undefined && deploy !== undefined) {
    if (deploy.replicas !== undefined && scale !== deploy.replicas) {
      throw unsound(`services.${name}: can't set distinct values on 'scale' and 'deploy.replicas'`);
    }
    deploy.replicas = scale;
  }
  if (scale !== undefined && scale < 0) throw invalid(`services.${name}.scale: must be greater than or equal to 0`);
  if ((deploy?.replicas ?? 0) < 0) {
    throw invalid(`services.${name}.deploy.replicas: must be greater than or equal to 0`);
  }
  if ((scale ?? deploy?.replicas ?? 1) > 1 && containerName) {
    const attribute = scale === undefined ? 'deploy.replicas' : 'scale';
    throw unsound(`services.${attribute}: can't set container_name and ${name} as container name must be unique`);
  }
}

/** What may be said in two places must be the same in both. */
function checkLimits(service: Service): void {
  if (service.deploy === undefined) return;
  const { limits, reservations } = service.deploy.resources ?? ({} as NonNullable<Deploy['resources']>);
  const places = [
    ['cpus', service.cpus, limits, limits?.cpus, 'limits.cpus'],
    ['mem_limit', service.mem_limit, limits, limits?.memory, 'limits.memory'],
    ['mem_reservation', service.mem_reservation, reservations, reservations?.memory, 'reservations.memory'],
    ['pids_limit', service.pids_limit, limits, limits?.pids, 'limits.pids'],
  ] as const;
  for (const [key, here, section, there, path] of places) {
    if (here === undefined || section === undefined || here === there) continue;
    throw unsound(`services.${service.name}: can't set distinct values on '${key}' and 'deploy.resources.${path}'`);
  }
}

function checkWatch({ name, develop }: Service): void {
  for (const { target, action } of develop?.watch ?? []) {
    if (target || action === 'rebuild' || action === 'restart') continue;
    throw unsound(`services.${name}.develop.watch: target is required for non-rebuild actions`);
  }
}

function checkMounts({ name, tmpfs = [], volumes = [] }: Service): void {
  const taken = new Map<string, string>();
  const take = (target: string, place: string) => {
    const other = taken.get(target);
    if (other !== undefined) throw invalid(`${place}: target ${target} already mounted as ${other}`);
    taken.set(target, place);
  };
  for (const [at, mount] of tmpfs.entries()) take(mount.split(':')[0] ?? '', `services.${name}.tmpfs[${at}]`);
  for (const [at, { target = '' }] of volumes.entries()) take(target, `services.${name}.volumes[${at}]`);
}

/** Throws for services that wait for each other. */
function checkCycles(project: Project): void {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (done.has(name)) return;
    const start = path.indexOf(name);
    if (start >= 0) throw invalid(`dependency cycle detected: ${[...path.slice(start), name].join(' -> ')}`);
    const others = Object.keys(project.services[name]?.depends_on ?? {}).sort();
    for (const other of others) visit(other, [...path, name]);
    done.add(name);
  };
  for (const name of Object.keys(project.services).sort()) visit(name, []);
}

/** Throws where two services want the same name for their container. */
export function checkContainerNames(project: Project): void {
  const taken = new Map<string, string>();
  for (const { name, container_name: container } of Object.values(project.services)) {
    if (!container) continue;
    const other = taken.get(container);
    if (other !== undefined) {
      throw invalid(`services.${name}: container name ${quoted(container)} is already in use by service ${other}"`);
    }
    taken.set(container, name);
  }
}
