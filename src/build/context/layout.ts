/** `oci-layout://directory[:tag][@digest]`: an image in a directory of the OCI's layout (image-layout.md). */
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';

interface Entry {
  digest?: string;
  annotations?: Record<string, string>;
}

/** Where it is, and which manifest or index is meant. Throws kind `invalid` in buildx's words. */
export function findLayout(address: string): { path: string; digest: string } {
  const text = address.slice('oci-layout://'.length);
  const [, place = '', digest] = /^(.*?)(?:@(sha256:[0-9a-f]{64}))?$/s.exec(text) ?? [];
  const [, directory = '', tag = 'latest'] = /^(.*?)(?::([\w][\w.-]{0,127}))?$/s.exec(place) ?? [];
  const path = resolve(directory);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new WherryError('invalid', `invalid store at ${directory}: no such directory`);
  }
  return { path, digest: digest ?? digestOf(address, path, tag) };
}

function digestOf(address: string, path: string, tag: string): string {
  const refuse = (why: string, cause?: unknown) =>
    new WherryError('invalid', `oci-layout reference "${address}" could not be resolved: ${why}`, { cause });
  let entries: Entry[];
  try {
    entries = (JSON.parse(readFileSync(join(path, 'index.json'), 'utf8')) as { manifests?: Entry[] }).manifests ?? [];
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) throw refuse(`open ${join(path, 'index.json')}: no such file or directory`, cause);
    throw refuse(`index.json: ${(cause as Error).message}`, cause);
  }
  const names = (entry: Entry) => entry.annotations?.['org.opencontainers.image.ref.name'];
  const found = entries.find((entry) => names(entry) === tag) ?? (entries.length === 1 ? entries[0] : undefined);
  if (found?.digest === undefined) throw refuse(`could not find "${tag}" in its index`);
  return found.digest;
}
