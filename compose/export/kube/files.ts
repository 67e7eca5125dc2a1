/** Configs and secrets, and files that are bound into containers, as ConfigMaps and Secrets. */
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { reasonOf } from '#base/errno.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { type Draft, kubeName, meta, takeName, tell } from '#compose/export/kube/draft.ts';
import type { PodVolume } from '#compose/export/kube/objects.ts';
import type { FileObject } from '#compose/model/project.ts';

/** etcd takes no larger object. */
const LARGEST = 1 << 20;

type Kind = 'ConfigMap' | 'Secret';
type Files = Map<string, Buffer>;

/** Writes the project's configs and secrets; external ones must be in the cluster, under their names. */
export function addFileObjects(draft: Draft): void {
  for (const [kind, table] of [
    ['ConfigMap', draft.project.configs],
    ['Secret', draft.project.secrets],
  ] as const)
    for (const [key, object] of Object.entries(table ?? {})) addFileObject(draft, kind, key, object);
}

function addFileObject(draft: Draft, kind: Kind, key: string, object: FileObject): void {
  const place = `${kind === 'Secret' ? 'secret' : 'config'} "${key}"`;
  if (object.external) {
    const name = objectName(key, object);
    tell(draft, place, `${kind} "${name}" with the key "${fileKey(key)}" must be in the cluster: it is external`);
    return;
  }
  draft.taken.add(`${kind}/${objectName(key, object)}`);
  addFiles(draft, kind, objectName(key, object), new Map([[fileKey(key), contents(draft, place, object)]]), place);
}

/** Of what is our own its key in the file: there the project has a namespace to itself. */
const objectName = (key: string, object: FileObject | undefined) =>
  kubeName(object?.external ? (object.name ?? key) : key);

/** Under which key an object holds its one file. */
const fileKey = (name: string) => name.replace(/[^-._a-zA-Z0-9]/g, '_').slice(0, 253);

function contents({ project }: Draft, place: string, { file, content, environment }: FileObject): Buffer {
  if (content !== undefined) return Buffer.from(content);
  if (environment !== undefined) {
    const value = project.environment[environment];
    if (value !== undefined) return Buffer.from(value);
    throw new WherryError('invalid', `Cannot write ${place}: environment variable "${environment}" is not set`);
  }
  if (file === undefined) return Buffer.alloc(0);
  try {
    return readFileSync(file);
  } catch (error) {
    throw new WherryError('invalid', `Cannot write ${place}: ${file}: ${reasonOf(error)}`, { cause: error });
  }
}

function addFiles(draft: Draft, kind: Kind, name: string, files: Files, place: string): void {
  const size = files.values().reduce((sum, { length }) => sum + length, 0);
  if (size > LARGEST) tell(draft, place, `${kind} "${name}" has ${size} bytes: Kubernetes takes no more than 1 MiB`);
  const texts = [...files].filter(([, bytes]) => isText(bytes)).map(([key, bytes]) => [key, bytes.toString()]);
  const binary = [...files]
    .filter(([, bytes]) => !isText(bytes))
    .map(([key, bytes]) => [key, bytes.toString('base64')]);
  const text = texts.length === 0 ? undefined : Object.fromEntries(texts);
  const base64 = binary.length === 0 ? undefined : Object.fromEntries(binary);
  const metadata = meta(draft, name);
  if (kind === 'ConfigMap') {
    const data = { ...(text && { data: text }), ...(base64 && { binaryData: base64 }) };
    draft.objects.push({ apiVersion: 'v1', kind, metadata, ...data });
  } else {
    const data = { ...(text && { stringData: text }), ...(base64 && { data: base64 }) };
    draft.objects.push({ apiVersion: 'v1', kind, metadata, type: 'Opaque', ...data });
  }
}

function isText(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString()).equals(bytes) && !bytes.includes(0);
}

/** The volume that has a config's or secret's file at PATH in it. */
export function fileVolume(
  { project }: Draft,
  kind: 'config' | 'secret',
  { source, path, mode }: { source: string; path: string; mode: string | undefined },
): Omit<PodVolume, 'name'> {
  const object = (kind === 'secret' ? project.secrets : project.configs)?.[source];
  const name = objectName(source, object);
  const items = [{ key: fileKey(source), path, ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }) }];
  return kind === 'secret' ? { secret: { secretName: name, items } } : { configMap: { name, items } };
}

/** What a bind mount of a host's path can be in a cluster. */
export type Bound =
  | { kind: 'file'; volume: Omit<PodVolume, 'name'>; entry: string }
  | { kind: 'host'; type: 'file' | 'directory' | 'absent' };

/** A file of the project's goes along as a ConfigMap; all else is where it is, on one machine. */
export function boundFile(draft: Draft, service: string, path: string): Bound {
  const status = look(path);
  if (status === undefined) return { kind: 'host', type: 'absent' };
  if (!status.isFile()) return { kind: 'host', type: status.isDirectory() ? 'directory' : 'file' };
  const ours = path.startsWith(`${draft.project.workingDir}/`);
  const bytes = ours && status.size <= LARGEST ? readable(path) : undefined;
  if (bytes === undefined) return { kind: 'host', type: 'file' };
  const entry = fileKey(basename(path));
  const name = takeName(draft, 'ConfigMap', `${service}-${basename(path)}`);
  addFiles(draft, 'ConfigMap', name, new Map([[entry, bytes]]), `service "${service}"`);
  return { kind: 'file', volume: { configMap: { name, items: [{ key: entry, path: entry }] } }, entry };
}

function look(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (hasCode(error, 'EACCES', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  }
}

function readable(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (hasCode(error, 'EACCES', 'ENOENT', 'EISDIR')) return undefined;
    throw error;
  }
}
