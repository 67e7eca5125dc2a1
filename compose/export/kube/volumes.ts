/** Mounts of services as volumes of a pod and mounts of its containers; named volumes as claims. */
import { basename, posix } from 'node:path';
import { parseBytes } from '#base/units.ts';
import { annotationsOf, type Draft, kubeName, meta, placeOf, quantity, tell } from '#compose/export/kube/draft.ts';
import { boundFile, fileVolume } from '#compose/export/kube/files.ts';
import type { PodVolume, VolumeMount } from '#compose/export/kube/objects.ts';
import type { FileReference, Service, ServiceVolume, Volume } from '#compose/model/project.ts';

/** The volumes of one pod; several containers may have the same claim. */
export type PodVolumes = Map<string, PodVolume>;

type Source = Omit<PodVolume, 'name'>;

/** The mounts of one container, whose volumes are added to its pod's. */
export function mountsOf(draft: Draft, service: Service, volumes: PodVolumes): VolumeMount[] {
  const mount = mounter(service, volumes);
  const mounts = [
    ...allVolumes(draft, service).flatMap((volume) => volumeMount(draft, service, volume, mount)),
    ...(service.tmpfs ?? []).map((text) => mount(tmpfs(text), { name: 'tmp', mountPath: text.split(':')[0] ?? text })),
    ...(service.shm_size === undefined
      ? []
      : [mount(inMemory(service.shm_size), { name: 'shm', mountPath: '/dev/shm' })]),
    ...(['config', 'secret'] as const).flatMap((kind) =>
      (service[`${kind}s`] ?? []).map((reference) => fileMount(draft, service, kind, reference, mount)),
    ),
  ];
  // As in compose, the last one that names a place has it.
  return [...new Map(mounts.map((one) => [one.mountPath, one])).values()];
}

type Mount = (source: Source, mount: VolumeMount) => VolumeMount;

/** Adds a volume under a name of its own, but a claim once. */
function mounter(service: Service, volumes: PodVolumes): Mount {
  return (source, mount) => {
    const claim = source.persistentVolumeClaim?.claimName;
    const wanted = claim ?? `${service.name}-${mount.name}`;
    let name = kubeName(wanted);
    for (let count = 2; volumes.has(name) && (claim === undefined || !isClaim(volumes.get(name), claim)); count++)
      name = `${kubeName(wanted).slice(0, 58)}-${count}`;
    if (!volumes.has(name)) volumes.set(name, { name, ...source });
    return { ...mount, name };
  };
}

const isClaim = (volume: PodVolume | undefined, claim: string) => volume?.persistentVolumeClaim?.claimName === claim;

/** Its own, and before them those of the services that it takes its volumes from. */
function allVolumes(draft: Draft, service: Service, seen: readonly string[] = []): ServiceVolume[] {
  const taken = (service.volumes_from ?? []).flatMap((text) => {
    const [name = '', mode] = text.split(':');
    const other = draft.project.services[name];
    if (other === undefined || seen.includes(name)) {
      tell(draft, placeOf(service), `volumes_from "${text}" is left out: it is no service of this project`);
      return [];
    }
    return allVolumes(draft, other, [...seen, service.name]).flatMap((volume) => {
      const isShared = volume.type === 'volume' ? volume.source !== undefined : volume.type === 'bind';
      if (!isShared) tell(draft, placeOf(service), `${volume.target} of "${name}" is left out: pods can't share it`);
      return isShared ? [mode === 'ro' ? { ...volume, read_only: true } : volume] : [];
    });
  });
  return [...taken, ...(service.volumes ?? [])];
}

function volumeMount(draft: Draft, service: Service, volume: ServiceVolume, mount: Mount): VolumeMount[] {
  const { type, source = '', target = '', read_only: isReadOnly } = volume;
  const base = { name: basename(target) || 'root', mountPath: target, ...(isReadOnly ? { readOnly: true } : {}) };
  const below = (subPath: string | undefined) => ({ ...base, ...(subPath ? { subPath } : {}) });
  if (type === 'volume') {
    if (source === '') return [mount({ emptyDir: {} }, base)];
    return [mount({ persistentVolumeClaim: { claimName: claimName(draft, source) } }, below(volume.volume?.subpath))];
  }
  if (type === 'tmpfs') return [mount(inMemory(volume.tmpfs?.size), base)];
  if (type === 'image') {
    tell(draft, placeOf(service), `image volume ${target} needs Kubernetes 1.33 or newer`);
    return [mount({ image: { reference: source } }, below(volume.image?.subpath))];
  }
  if (type === 'bind') return [bindMount(draft, service, { source, mount: base }, mount)];
  tell(draft, placeOf(service), `volume ${target} of type "${type}" is left out: a manifest can't say it`);
  return [];
}

/** The kernel's own directories: they are on each machine, and wanted as they are. */
const SYSTEM = /^\/(dev|proc|sys|run|var\/run|etc\/localtime|etc\/timezone)(\/|$)/;

function bindMount(
  draft: Draft,
  service: Service,
  { source, mount }: { source: string; mount: VolumeMount },
  add: Mount,
): VolumeMount {
  const bound = boundFile(draft, service.name, source);
  if (bound.kind === 'file') {
    if (!mount.readOnly)
      tell(draft, placeOf(service), `${mount.mountPath} becomes a ConfigMap's: the container can't write to it`);
    return add(bound.volume, { ...mount, subPath: bound.entry, readOnly: true });
  }
  if (!SYSTEM.test(source)) {
    const what = `${source} (${bound.type}) is on this machine only`;
    tell(draft, placeOf(service), `${what}: put it into the image, or into a volume`);
  } else if (source.endsWith('.sock')) {
    tell(draft, placeOf(service), `${source} is the node's own, where something else may listen`);
  }
  return add({ hostPath: { path: source } }, mount);
}

/** `/run:size=1m,mode=1777`. */
function tmpfs(text: string): Source {
  const size = /(?:^|[:,])size=([^,]+)/.exec(text)?.[1];
  return inMemory(size === undefined ? undefined : String(parseBytes(size)));
}

function inMemory(bytes: string | undefined): Source {
  return { emptyDir: { medium: 'Memory', ...(Number(bytes ?? 0) > 0 ? { sizeLimit: quantity(bytes ?? 0) } : {}) } };
}

/** Where a config or secret stands by itself (compose-spec, 05-services.md, configs and secrets). */
function fileTarget(kind: 'config' | 'secret', { source = '', target }: FileReference): string {
  if (kind === 'config') return target ?? `/${source}`;
  return posix.resolve('/run/secrets', target ?? source);
}

function fileMount(
  draft: Draft,
  service: Service,
  kind: 'config' | 'secret',
  reference: FileReference,
  mount: Mount,
): VolumeMount {
  const { source = '', uid, gid, mode } = reference;
  const target = fileTarget(kind, reference);
  if (uid !== undefined || gid !== undefined)
    tell(draft, placeOf(service), `${target} belongs to root: uid and gid of a ${kind} are left out`);
  const path = basename(target);
  return mount(fileVolume(draft, kind, { source, path, mode }), {
    name: `${kind}-${source}`,
    mountPath: target,
    subPath: path,
    readOnly: true,
  });
}

/** Of what is external the name that the engine has for it; else the one in the file. */
function claimName({ project }: Draft, source: string): string {
  const volume = project.volumes?.[source];
  return kubeName(volume?.external ? (volume.name ?? source) : source);
}

/** Writes a claim for each named volume that a service uses. */
export function addClaims(draft: Draft, services: readonly Service[]): void {
  const used = Object.entries(draft.project.volumes ?? {}).filter(([name]) => usersOf(services, name).length > 0);
  for (const [name, volume] of used) {
    if (volume.external) {
      const claim = claimName(draft, name);
      tell(draft, `volume "${name}"`, `claim "${claim}" must be in the cluster: it is external`);
    } else addClaim(draft, { name, volume, users: usersOf(services, name) });
  }
  if (used.some(([, volume]) => !volume.external))
    tell(draft, 'volumes', 'start empty: what an image has at a mount point is not copied into them, as Docker does');
}

function addClaim(draft: Draft, { name, volume, users }: { name: string; volume: Volume; users: Service[] }): void {
  const place = `volume "${name}"`;
  const { driver = 'local', driver_opts: { size, ...options } = {}, labels = {} } = volume;
  if (driver !== 'local') tell(draft, place, `driver "${driver}" is left out: name a storage class`);
  if (Object.keys(options).length > 0)
    tell(draft, place, `driver_opts are left out (${Object.keys(options).join(', ')}): name a storage class`);
  const isShared = users.length > 1 || users.some((one) => replicasOf(one) !== 1);
  if (isShared) tell(draft, place, 'several pods share it: its storage class must know ReadWriteMany');
  draft.objects.push({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: meta(draft, claimName(draft, name), { annotations: annotationsOf(draft, place, labels) }),
    spec: {
      accessModes: [isShared ? 'ReadWriteMany' : 'ReadWriteOnce'],
      resources: { requests: { storage: size === undefined ? draft.storage : quantity(parseBytes(size)) } },
    },
  });
}

export const hasNamedVolume = (service: Service) =>
  (service.volumes ?? []).some(({ type, source }) => type === 'volume' && source !== undefined && source !== '');

/** How many there are; a service that runs on every machine has none. */
export function replicasOf({ deploy, scale }: Service): number {
  if (deploy?.mode === 'global') return Number.POSITIVE_INFINITY;
  return scale ?? deploy?.replicas ?? 1;
}

const isOf = ({ volumes }: Service, name: string) =>
  (volumes ?? []).some(({ type, source }) => type === 'volume' && source === name);

const usersOf = (services: readonly Service[], name: string) =>
  services.filter((service) => {
    const from = (service.volumes_from ?? []).map((text) => text.split(':')[0]);
    return isOf(service, name) || services.some((other) => from.includes(other.name) && isOf(other, name));
  });
