/** A service's volumes, secrets and configs as the engine takes them: binds, or mounts where a bind can't say it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { MountRequest } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { parseBytes } from '#base/units.ts';
import type { Present } from '#compose/apply/identify.ts';
import type { FileObject, FileReference, Project, Service, ServiceVolume } from '#compose/model/project.ts';

export interface Mounts {
  binds: string[];
  mounts: MountRequest[];
}

interface Inheritance {
  /** Whose anonymous volumes go on in the new container. */
  from: Present;
  /** The paths for which the image wants a volume. */
  imageVolumes: readonly string[];
}

/** One mount before it is decided how the engine is told of it. */
type Wanted = MountRequest & { volume?: ServiceVolume };

/**
 * What is mounted in a service's container. Throws kind `unsupported` for external secrets and configs, and drivers, in
 * compose's words.
 */
export function mountsOf(
  project: Project,
  service: Service,
  { inherit, warn }: { inherit?: Inheritance | undefined; warn: (text: string) => void },
): Mounts {
  const kept = inherited(service, inherit);
  const wanted = new Map<string, Wanted>(kept.map((mount) => [mount.Target, mount]));
  for (const volume of service.volumes ?? []) {
    const target = volume.target ?? '';
    if (wanted.has(target) && isNameless(volume)) continue;
    wanted.set(target, { ...mountOf(project, volume, warn), volume });
  }
  for (const file of fileMounts(project, service, warn)) if (!wanted.has(file.Target)) wanted.set(file.Target, file);
  return split(project, [...wanted.values()]);
}

const isNameless = ({ type, source }: ServiceVolume) => type === 'volume' && !source;

function split(project: Project, wanted: readonly Wanted[]): Mounts {
  const binds: string[] = [];
  const mounts: MountRequest[] = [];
  for (const { volume, ...mount } of wanted) {
    const bind = volume === undefined ? undefined : asBind(project, mount, volume);
    if (bind === undefined) mounts.push(mount);
    else binds.push(bind);
  }
  return { binds, mounts };
}

/** The replaced container's volumes that nobody named: the image's, and those of the service without a source. */
function inherited(service: Service, inherit: Inheritance | undefined): MountRequest[] {
  if (inherit === undefined) return [];
  const nameless = (service.volumes ?? []).filter(isNameless);
  const targets = new Set([...inherit.imageVolumes, ...nameless.map(({ target = '' }) => target)]);
  return inherit.from.record.mounts
    .filter(({ Type, Destination }) => Type !== 'tmpfs' && targets.has(Destination))
    .map(({ Type, Name, Source, Destination, RW }) => ({
      Type,
      Source: Type === 'volume' ? (Name ?? '') : Source,
      Target: Destination,
      ReadOnly: !RW,
    }));
}

function mountOf(project: Project, volume: ServiceVolume, warn: (text: string) => void): MountRequest {
  const { type = 'volume', source = '', target = '', read_only: ReadOnly = false } = volume;
  for (const option of ['bind', 'volume', 'tmpfs', 'image'] as const) {
    if (type !== option && volume[option] !== undefined) {
      warn(`mount of type \`${type}\` should not define \`${option}\` option`);
    }
  }
  const named = type === 'volume' ? project.volumes?.[source]?.name : undefined;
  // What the file names is whole by now; a flag's path is below the working directory.
  const from = type === 'bind' ? resolve(source) : (named ?? source);
  const base = { ...(from === '' ? {} : { Source: from }), Target: target, ...(ReadOnly ? { ReadOnly } : {}) };
  if (type === 'bind') return { Type: 'bind', ...base, ...bindOptions(volume) };
  if (type === 'tmpfs') return { Type: 'tmpfs', ...base, ...tmpfsOptions(volume) };
  if (type === 'image') {
    const Subpath = volume.image?.subpath;
    return { Type: 'image', ...base, ...(Subpath === undefined ? {} : { ImageOptions: { Subpath } }) };
  }
  if (type !== 'volume') {
    const why = `invalid mount config for type ${JSON.stringify(type)}: mount type unknown`;
    throw new WherryError('invalid', `Error response from daemon: ${why}`);
  }
  return { Type: 'volume', ...base, ...volumeOptions(volume) };
}

function bindOptions({ bind }: ServiceVolume): Pick<MountRequest, 'BindOptions'> {
  if (bind === undefined) return {};
  return {
    BindOptions: {
      ...(bind.create_host_path ? { CreateMountpoint: true } : {}),
      ...(bind.propagation ? { Propagation: bind.propagation } : {}),
      ...(bind.recursive === 'disabled' ? { NonRecursive: true } : {}),
      ...(bind.recursive === 'writable' ? { ReadOnlyNonRecursive: true } : {}),
      ...(bind.recursive === 'readonly' ? { ReadOnlyForceRecursive: true } : {}),
    },
  };
}

function volumeOptions({ volume }: ServiceVolume): Pick<MountRequest, 'VolumeOptions'> {
  if (volume === undefined) return {};
  const { nocopy, subpath, labels } = volume;
  return { VolumeOptions: given({ NoCopy: nocopy, Subpath: subpath, Labels: labels }) };
}

function tmpfsOptions({ tmpfs }: ServiceVolume): Pick<MountRequest, 'TmpfsOptions'> {
  if (tmpfs === undefined) return {};
  const { size, mode } = tmpfs;
  const SizeBytes = size === undefined ? undefined : parseBytes(`${size}`);
  return { TmpfsOptions: given({ SizeBytes, Mode: mode === undefined ? undefined : Number(mode) }) };
}

/** As docker compose: the old form wherever it says enough, because only it makes a missing path on the host. */
function asBind(project: Project, mount: MountRequest, volume: ServiceVolume): string | undefined {
  const { type, bind, volume: options } = volume;
  if (type === 'bind') {
    const needsMount =
      bind !== undefined && (!bind.create_host_path || Boolean(bind.propagation) || Boolean(bind.recursive));
    return needsMount ? undefined : bindText(mount.Source ?? '', volume);
  }
  if (type !== 'volume' || !Object.values(project.volumes ?? {}).some(({ name }) => name === mount.Source)) {
    return undefined;
  }
  const labels = Object.keys(options?.labels ?? {}).length > 0;
  const needsMount = labels || Boolean(options?.subpath) || Boolean(options?.nocopy);
  return needsMount ? undefined : bindText(mount.Source ?? '', volume);
}

function bindText(source: string, { target, read_only, bind }: ServiceVolume): string {
  return `${source}:${target}:${[read_only ? 'ro' : 'rw', ...(bind?.selinux ? [bind.selinux] : [])].join(',')}`;
}

export type FileKind = 'secret' | 'config';

const DIRECTORY: Readonly<Record<FileKind, string>> = { secret: '/run/secrets/', config: '/' };

/** A service's references of one kind with what the project says of them. */
export function filesOf(project: Project, service: Service, kind: FileKind) {
  const references = (kind === 'secret' ? service.secrets : service.configs) ?? [];
  const objects = (kind === 'secret' ? project.secrets : project.configs) ?? {};
  return references.map((reference) => ({
    kind,
    reference,
    object: objects[reference.source ?? ''] ?? ({} as FileObject),
    target: targetOf(reference, kind),
  }));
}

function targetOf({ source = '', target }: FileReference, kind: FileKind): string {
  if (!target) return `${DIRECTORY[kind]}${source}`;
  return target.startsWith('/') ? target : `${DIRECTORY[kind]}${target}`;
}

/** Is it written into the container (apply/files.ts) instead of mounted? */
export const isCopied = ({ object }: { object: FileObject }): boolean =>
  Boolean(object.environment) || Boolean(object.content);

function fileMounts(project: Project, service: Service, warn: (text: string) => void): MountRequest[] {
  return (['secret', 'config'] as const).flatMap((kind) =>
    filesOf(project, service, kind).flatMap((file) => fileMount(file, warn) ?? []),
  );
}

/** Of what is in a file here; undefined for what is written into the container instead. */
function fileMount(file: ReturnType<typeof filesOf>[number], warn: (text: string) => void): MountRequest | undefined {
  const { kind, object, target, reference } = file;
  checkFile(object, kind);
  if (isCopied(file)) return undefined;
  const { uid, gid, mode } = reference;
  const asked = [uid, gid, mode].some(Boolean);
  const what = kind === 'secret' ? 'secrets' : 'config';
  if (asked) warn(`${what} \`uid\`, \`gid\` and \`mode\` are not supported, they will be ignored`);
  const Source = object.file ?? '';
  if (kind === 'secret' && !existsSync(Source)) warn(`secret file ${object.name} does not exist`);
  const options = kind === 'secret' ? { BindOptions: {} } : {};
  return { Type: 'bind', Source, Target: target, ReadOnly: true, ...options };
}

function checkFile({ external, name, driver, template_driver }: FileObject, kind: FileKind): void {
  const refuse = (message: string, hint: string) => new WherryError('unsupported', message, { hint });
  if (external) {
    throw refuse(
      `unsupported external ${kind} ${name}`,
      `Give the ${kind} a file, an environment variable or a content`,
    );
  }
  const what = driver ? 'driver' : template_driver ? 'template_driver' : undefined;
  if (what === undefined) return;
  throw refuse(`Docker Compose does not support ${kind}s.*.${what}`, `Leave ${what} out of the ${kind}`);
}
