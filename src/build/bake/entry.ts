/**
 * Settings with fields of their own (output, cache-from, secret …): in a bake file text as the flags of build take it, or an
 * object. Here both are objects as `bake --print` has them.
 */
import type { Field } from '#build/bake/fields.ts';
import { asList, asMap, asText, invalid, isMap, type Value } from '#build/bake/value.ts';
import {
  type AttestOption,
  type OutputOption,
  readAttest,
  readCache,
  readOutput,
  readSecret,
  readSsh,
} from '#build/options.ts';
import type { BuildSecret, BuildSsh } from '#build/request.ts';

/** Texts by key; `paths` of ssh is a list. */
export type Entry = Readonly<Record<string, string | string[]>>;

type EntryKind = Exclude<Field['kind'], 'text' | 'flag' | 'texts' | 'map'>;

/** All of a list. Throws kind `invalid` in buildx's words. */
export function readEntries(kind: EntryKind, value: Value): Entry[] {
  return asList(value).flatMap((item) => (isMap(item) ? [readObject(kind, item)] : readEntry(kind, asText(item))));
}

/** One written as the flag's value; '' is none, and several references of caches may stand in one. */
export function readEntry(kind: EntryKind, text: string): Entry[] {
  if (text === '') return [];
  switch (kind) {
    case 'output':
      return [outputEntry(readOutput(text))];
    case 'cache':
      return readCache(text);
    case 'secret':
      return readSecret(text).map(secretEntry);
    case 'ssh':
      return [sshEntry(readSsh(text))];
    case 'attest':
      return [attestEntry(readAttest(text))];
  }
}

function readObject(kind: EntryKind, value: { [key: string]: Value }): Entry {
  const known = Object.entries(value).filter(([, item]) => item !== null);
  if (kind === 'ssh') {
    const paths = value.paths === undefined || value.paths === null ? [] : asList(value.paths).map(asText);
    return sshEntry({ id: asText(value.id ?? ''), paths });
  }
  const entry = Object.fromEntries(known.map(([key, item]) => [key, asText(item)]));
  if (kind === 'secret') return ordered(entry, ['id', 'src', 'env']);
  if (entry.type === undefined || entry.type === '') {
    throw invalid(
      kind === 'output' ? 'type is required for output' : `type required for ${JSON.stringify(asMap(value))}`,
    );
  }
  return ordered(entry, Object.keys(entry).sort());
}

const ordered = (entry: Readonly<Record<string, string | undefined>>, keys: readonly string[]): Entry =>
  Object.fromEntries(keys.flatMap((key) => (entry[key] ? [[key, entry[key]]] : [])));

const outputEntry = ({ type, dest, attributes }: OutputOption) => {
  const entry = { ...attributes, type, dest };
  return ordered(entry, Object.keys(entry).sort());
};
const secretEntry = ({ id, file, env }: BuildSecret) => ordered({ id, src: file, env }, ['id', 'src', 'env']);
const sshEntry = ({ id, paths }: BuildSsh): Entry => ({ id, ...(paths.length === 0 ? {} : { paths }) });
const attestEntry = ({ type, attributes }: AttestOption) => {
  const entry = { ...attributes, type, disabled: attributes === undefined ? 'true' : undefined };
  return ordered(entry, Object.keys(entry).sort());
};

/** As the flag of build has it. */
export function entryText(entry: Entry): string {
  const { id, paths } = entry;
  if (Array.isArray(paths)) return `${String(id)}=${paths.join(',')}`;
  if (Object.keys(entry).length === 1 && id !== undefined) return String(id);
  return Object.entries(entry)
    .map(([key, value]) => quoted(`${key}=${String(value)}`))
    .join(',');
}

const quoted = (field: string) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);

/** Each once: secrets, agents and attestations by their name, the later one in the former's place; the others as a whole. */
export function unique(kind: EntryKind, entries: readonly Entry[]): Entry[] {
  const keyOf = (entry: Entry) => {
    if (kind === 'secret' || kind === 'ssh') return String(entry.id ?? '');
    return kind === 'attest' ? String(entry.type) : JSON.stringify(entry);
  };
  return [...new Map(entries.map((entry) => [keyOf(entry), entry])).values()];
}
