/** --set: `pattern.key=value`, `pattern.key+=value`, `pattern.key.name=value`. */
import { globOf } from '#base/glob.ts';
import { parseBool } from '#base/units.ts';
import { type Entry, readEntry } from '#build/bake/entry.ts';
import { FIELDS, type FieldName, isField, type Target } from '#build/bake/fields.ts';
import { invalid } from '#build/bake/value.ts';

/** One key's: all values that were given for it. */
interface Override {
  key: string;
  /** Behind the key's point. */
  name: string | undefined;
  values: string[];
  append: boolean;
}

export type Overrides = ReadonlyMap<string, readonly Override[]>;

/** Keys that have other names than in files. */
const ALIASES: Readonly<Record<string, FieldName>> = { platform: 'platforms', secrets: 'secret' };
/** Settings that only files have, or that have another name here. */
const HIDDEN: readonly string[] = ['description', 'inherits', 'dockerfile-inline', 'platforms', 'secret'];
const NAMED = ['args', 'contexts', 'labels', 'extra-hosts'];

/** What was given for each target, in order. Throws kind `invalid` in buildx's words. */
export function readOverrides(
  words: readonly string[],
  targets: ReadonlyMap<string, Target>,
  environment: NodeJS.ProcessEnv,
): Overrides {
  const found = new Map<string, Override[]>();
  for (const word of words) {
    const { pattern, ...override } = readOverride(word, environment);
    for (const target of expand(pattern, targets)) {
      const list = found.get(target) ?? [];
      found.set(target, list);
      const { key, name, values, append } = override;
      const same = list.find((one) => one.key === key && one.name === name);
      if (same === undefined) list.push({ ...override, values: [...values] });
      else Object.assign(same, { append, values: [...same.values, ...values] });
    }
  }
  return found;
}

function readOverride(word: string, environment: NodeJS.ProcessEnv): Override & { pattern: string } {
  const at = word.indexOf('=');
  const left = at < 0 ? word : word.slice(0, at);
  const written = left.replace(/\+$/, '');
  const [pattern = '', key, ...names] = written.split('.');
  if (key === undefined) throw invalid(`invalid override key ${written}, expected target.name`);
  if (at < 0 && key !== 'args') throw invalid(`invalid override ${word}, expected target.name=value`);
  const name = names.length === 0 ? undefined : names.join('.');
  if (name === undefined && NAMED.includes(key)) {
    throw invalid(
      key === 'args' || key === 'contexts'
        ? `invalid key ${left}, ${key} requires name`
        : `invalid format for ${key}, expecting ${key}.<name>=<value>`,
    );
  }
  const value = at < 0 ? environment[name ?? ''] : word.slice(at + 1);
  return { pattern, key, name, values: value === undefined ? [] : [value], append: left.endsWith('+') };
}

function expand(pattern: string, targets: ReadonlyMap<string, Target>): string[] {
  if (targets.has(pattern)) return [pattern];
  const found = [...targets.keys()].filter((name) => globOf(pattern).test(name));
  if (found.length === 0) throw invalid(`could not find any target matching '${pattern}'`);
  return found;
}

export function applyOverrides(target: Target, overrides: readonly Override[] = []): Target {
  return overrides.reduce(applyOverride, target);
}

function applyOverride(target: Target, override: Override): Target {
  const { key, name, values } = override;
  const value = values.at(-1);
  if (value === undefined) return target;
  if (key === 'push' || key === 'load') {
    const { output = [] } = target;
    const isOn = truth(key, value);
    return { ...target, output: key === 'push' ? pushed(output, isOn) : isOn ? loaded(output) : output };
  }
  const field = ALIASES[key] ?? key;
  if (!isField(field) || HIDDEN.includes(key)) {
    throw invalid(`unknown key: ${key}`);
  }
  const { kind } = FIELDS[field];
  if (kind === 'text') return { ...target, [field]: value };
  if (kind === 'flag') return { ...target, [field]: truth(key, value) };
  if (kind === 'map') return { ...target, [field]: { ...(target[field] as object), [name ?? '']: value } };
  return { ...target, [field]: listed(target, field, override) };
}

/** What is always added to, as in buildx. */
const ADDING = ['attest', 'annotations', 'entitlements'];

function listed(target: Target, field: FieldName, { values, append }: Override): unknown {
  const { kind } = FIELDS[field];
  const isEntry = kind !== 'texts' && kind !== 'text' && kind !== 'flag' && kind !== 'map';
  const list = isEntry ? values.flatMap((value) => readEntry(kind, value)) : values;
  const former = target[field] as (string | Entry)[] | undefined;
  return (append || ADDING.includes(field)) && former !== undefined ? [...former, ...list] : list;
}

function truth(key: string, value: string): boolean {
  const read = parseBool(value);
  if (read === undefined) throw invalid(`invalid value ${value} for boolean key ${key}`);
  return read;
}

/** --push: an image that is made is pushed; where only archives for Docker or nothing is, an image is added. */
function pushed(output: readonly Entry[], isOn: boolean): Entry[] {
  const kept = isOn ? output : output.filter(({ type }) => type !== 'registry');
  const turned = kept.map((entry) => (entry.type === 'image' ? { ...entry, push: String(isOn) } : entry));
  const ordered = turned.map((entry) => Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1))));
  const isAdded = isOn && output.every(({ type }) => type === 'docker');
  return isAdded ? [...ordered, { push: 'true', type: 'image' }] : ordered;
}

/** --load: unless it is loaded already, or files are what is wanted. */
function loaded(output: readonly Entry[]): Entry[] {
  const isLoaded = output.some(({ type, dest }) => type === 'docker' && dest === undefined);
  const isFiles = output.some(({ type }) => !['docker', 'image', 'registry', 'oci'].includes(String(type)));
  return isLoaded || isFiles ? [...output] : [...output, { type: 'docker' }];
}
