/**
 * Manifest lists that are being put together: Docker's own files (~/.docker/manifests/LIST/MANIFEST), so that docker and we
 * see each other's. A directory is a list, a file one of its manifests.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { configFolder } from '#base/docker-paths.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { compactJson, goJson } from '#base/go-json.ts';
import { type Descriptor, MEDIA } from '#oci/manifest.ts';
import { inOrder } from '#oci/platform.ts';
import { makeDirectory, readJson, removeTree, replace } from '#sys/file.ts';

/** One manifest of a list. */
export interface ListEntry {
  /** Canonical. */
  ref: string;
  descriptor: Descriptor;
  /** The manifest as the registry has it. */
  raw: Buffer;
}

interface EntryFile {
  Ref?: string;
  Descriptor?: Descriptor;
  Raw?: string;
}

const root = () => join(configFolder(process.env), 'manifests');
const fileName = (name: string) => name.replaceAll(':', '-').replaceAll('/', '_');
const listPath = (list: string) => join(root(), fileName(list));

/** A list's manifests, by their files' names as Docker has them; undefined when there is no such list. */
export function readList(list: string): ListEntry[] | undefined {
  let names: string[];
  try {
    names = readdirSync(listPath(list)).sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  return names.flatMap((name) => readEntry(join(listPath(list), name)) ?? []);
}

/** One manifest of a list by its own name. */
export function findEntry(list: string, ref: string): ListEntry | undefined {
  return readEntry(join(listPath(list), fileName(ref)));
}

function readEntry(path: string): ListEntry | undefined {
  const file = readJson<EntryFile>(path);
  if (file === undefined) return undefined;
  const { Ref, Descriptor, Raw } = file;
  if (typeof Ref === 'string' && typeof Raw === 'string' && typeof Descriptor?.digest === 'string') {
    return { ref: Ref, descriptor: Descriptor, raw: Buffer.from(Raw, 'base64') };
  }
  throw new WherryError('corrupt', `Cannot read "${path}": it is not a manifest of a list`, {
    hint: 'Remove the list with `manifest rm`, and create it anew',
  });
}

export function saveEntry(list: string, entry: ListEntry): void {
  makeDirectory(listPath(list), 0o755);
  replace(join(listPath(list), fileName(entry.ref)), entryJson(entry), { mode: 0o644 });
}

/** @returns whether there was one */
export function removeList(list: string): boolean {
  if (readList(list) === undefined) return false;
  removeTree(listPath(list));
  return true;
}

/** An entry as Docker writes and shows it; the manifest itself stands in it twice. */
export function entryJson({ ref, descriptor, raw }: ListEntry): string {
  const key = descriptor.mediaType === MEDIA.manifest ? 'OCIManifest' : 'SchemaV2Manifest';
  const { mediaType, digest, size, platform } = descriptor;
  const shown = { mediaType, digest, size, ...(platform === undefined ? {} : { platform: inOrder(platform) }) };
  const manifest = compactJson(raw.toString());
  return `{"Ref":${goJson(ref)},"Descriptor":${goJson(shown)},"Raw":"${raw.toString('base64')}","${key}":${manifest}}`;
}
