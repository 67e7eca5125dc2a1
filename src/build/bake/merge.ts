/** Joins targets: an inherited one with its heir's, one of a file with one of the next. */
import { type Entry, unique } from '#build/bake/entry.ts';
import { FIELD_NAMES, FIELDS, type FieldName, type Target } from '#build/bake/fields.ts';

/** buildx, bake/bake.go: Merge(). */
export function mergeTargets(former: Target, later: Target): Target {
  const merged: Record<string, unknown> = { ...former };
  for (const name of FIELD_NAMES) {
    const [one, other] = [former[name], later[name]];
    if (other !== undefined) merged[name] = one === undefined ? other : joinField(name, one, other);
  }
  return merged;
}

function joinField(name: FieldName, former: unknown, later: unknown): unknown {
  const { kind, join } = FIELDS[name];
  if (join === 'replace') return later;
  if (join === 'append') return [...(former as string[]), ...(later as string[])];
  return kind === 'map'
    ? { ...(former as object), ...(later as object) }
    : [...(former as Entry[]), ...(later as Entry[])];
}

/** Each thing once, and nothing empty. */
export function normalize(target: Target): Target {
  const normal: Record<string, unknown> = {};
  for (const name of FIELD_NAMES) {
    const value = tidied(name, target[name]);
    if (value !== undefined) normal[name] = value;
  }
  const result: Target = normal;
  if (result.network !== 'host') return result;
  return { ...result, entitlements: [...new Set([...(result.entitlements ?? []), 'network.host'])] };
}

function tidied(name: FieldName, value: unknown): unknown {
  const { kind } = FIELDS[name];
  if (value === undefined || kind === 'text' || kind === 'flag') return value;
  if (kind === 'map') {
    const entries = Object.entries(value as Record<string, string>);
    const kept = name === 'contexts' ? entries.filter(([, text]) => text !== '') : entries;
    return kept.length === 0 ? undefined : Object.fromEntries(kept);
  }
  const list =
    kind === 'texts' ? [...new Set(value as string[])].filter((text) => text !== '') : unique(kind, value as Entry[]);
  return list.length === 0 ? undefined : list;
}
