/** A project as text, byte for byte as docker compose writes it, by the table of shape.ts. */
import { goJson } from '#base/go-json.ts';
import type { Project } from '#compose/model/project.ts';
import { type Field, PROJECT } from '#compose/model/shape.ts';
import { Timestamp } from '#compose/model/timestamp.ts';
import { compareKeys, type Writable, writeYaml } from '#compose/model/yaml.ts';

type Values = Record<string, unknown>;

/** The project's YAML. */
export function projectYaml(project: Project): string {
  const shown = { ...hidden(project), services: project.services };
  return writeYaml(structYaml(PROJECT, shown));
}

/** The project's JSON, indented by two; no line feed at the end, and no models. */
export function projectJson(project: Project): string {
  const shown: Values = hidden(project);
  const parts = new Map<string, Writable>([['name', project.name]]);
  for (const key of ['services', 'networks', 'volumes', 'secrets', 'configs']) {
    const value = shown[key] as Values | undefined;
    if (key !== 'services' && Object.keys(value ?? {}).length === 0) continue;
    parts.set(key, json(PROJECT[key] as Field, value ?? {}));
  }
  for (const key of extensionsOf(shown)) parts.set(key, shown[key] as Writable);
  return writeJson(new Map([...parts].sort(([one], [other]) => byBytes(one, other))), '\n');
}

/** An object of these fields as compact JSON, in Go's order: what is hashed. */
export function objectJson(fields: Readonly<Record<string, Field>>, value: object): string {
  return writeJson(structJson(fields, value as Values), '');
}

/** Without what came from the environment into secrets and configs. */
function hidden(project: Project): Values {
  const shown: Values = { ...project };
  const without = (objects: Project['secrets'], hide: (environment?: string) => boolean) =>
    Object.fromEntries(
      Object.entries(objects ?? {}).map(([name, { content, ...rest }]) => {
        return [name, content === undefined || hide(rest.environment) ? rest : { ...rest, content }];
      }),
    );
  shown.secrets = without(project.secrets, () => true);
  shown.configs = without(project.configs, (environment) => environment !== undefined && environment !== '');
  return shown;
}

const extensionsOf = (value: Values) => Object.keys(value).filter((key) => key.startsWith('x-'));

const EMPTY: Partial<Record<Field['kind'], Writable>> = { string: '', bool: false, int: 0, bytes: '0', map: new Map() };

function structYaml(fields: Readonly<Record<string, Field>>, value: Values): Map<string, Writable> {
  const map = new Map<string, Writable>();
  for (const key in fields) {
    const field = fields[key] as Field;
    const item = value[key];
    if (item !== undefined && item !== null && !isLeftOut(field, item)) map.set(key, yaml(field, item));
    else if (field.always) map.set(key, EMPTY[field.kind]);
  }
  for (const key of extensionsOf(value).sort(compareKeys)) if (!(key in fields)) map.set(key, value[key] as Writable);
  return map;
}

/** Texts, maps and lists of nothing. */
function isLeftOut(field: Field, item: unknown): boolean {
  if (item === '') return !field.always;
  if (field.pointer || field.always || typeof item !== 'object' || item === null) return false;
  return (Array.isArray(item) ? item : Object.keys(item)).length === 0;
}

function yaml(field: Field, value: unknown): Writable {
  if (value === null) return null;
  if (field.kind === 'struct') {
    if (isEnvFile(field)) return envFileYaml(value as Values);
    return structYaml(field.fields ?? {}, value as Values);
  }
  if (field.kind === 'list') return (value as unknown[]).map((item) => yaml(field.item as Field, item));
  if (field.kind === 'map') return mapOf(value as Values, compareKeys, (item) => yaml(field.item as Field, item));
  if (field.kind === 'ssh') return (value as string[]).map((key) => key.replace('=', ': '));
  if (field.kind === 'ulimit' && typeof value === 'object') {
    const { soft, hard } = value as { soft: number; hard: number };
    return new Map([
      ['soft', soft],
      ['hard', hard],
    ]);
  }
  return value as Writable;
}

/** An env_file that must be there is its path. */
const isEnvFile = (field: Field) => field.fields !== undefined && 'format' in field.fields;
const envFileYaml = ({ path, required }: Values): Writable =>
  required
    ? (path as string)
    : new Map<string, Writable>([
        ['path', path as string],
        ['required', false],
      ]);

const byBytes = (one: string, other: string) =>
  one === other ? 0 : Buffer.compare(Buffer.from(one), Buffer.from(other));

function mapOf(value: Values, compare: (one: string, other: string) => number, make: (item: unknown) => Writable) {
  const keys = Object.keys(value).sort(compare);
  return new Map(keys.map((key) => [key, make(value[key])]));
}

/** Without extensions: Go's JSON does not have them. */
function structJson(fields: Readonly<Record<string, Field>>, value: Values): Map<string, Writable> {
  const map = new Map<string, Writable>();
  for (const key in fields) {
    const field = fields[key] as Field;
    const item = value[key];
    const name = field.json ?? key;
    if (item !== undefined && item !== null && !isLeftOut(field, item)) map.set(name, json(field, item));
    else if (field.jsonAlways && !isPointerStruct(field)) {
      map.set(name, field.kind === 'struct' ? structJson(field.fields ?? {}, {}) : null);
    } else if (field.always) map.set(name, EMPTY[field.kind]);
  }
  return map;
}

const isPointerStruct = (field: Field) => field.kind === 'struct' && field.pointer === true;

function json(field: Field, value: unknown): Writable {
  if (value === null) return null;
  if (field.kind === 'struct') {
    if (isEnvFile(field) && (value as Values).required) return (value as Values).path as string;
    return structJson(field.fields ?? {}, value as Values);
  }
  if (field.kind === 'list') return (value as unknown[]).map((item) => json(field.item as Field, item));
  if (field.kind === 'map') return mapOf(value as Values, byBytes, (item) => json(field.item as Field, item));
  if (field.kind === 'ulimit' && typeof value === 'object') {
    return new Map(Object.entries(value).filter(([, limit]) => limit !== 0)) as Map<string, Writable>;
  }
  if (typeof value === 'object' && !Array.isArray(value))
    return mapOf(value as Values, byBytes, (item) => item as Writable);
  return value as Writable;
}

/** line: a line feed and the indent so far; '' for compact JSON. */
function writeJson(value: Writable, line: string): string {
  if (value === undefined) return 'null';
  if (typeof value !== 'object' || value === null || value instanceof Timestamp) return goJson(value);
  const inner = line === '' ? '' : `${line}  `;
  const colon = line === '' ? ':' : ': ';
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[${inner}${value.map((item) => writeJson(item as Writable, inner)).join(`,${inner}`)}${line}]`;
  }
  const entries =
    value instanceof Map
      ? [...(value as Map<string, Writable>)]
      : Object.entries(value as Record<string, Writable>).sort(([one], [other]) => byBytes(one, other));
  if (entries.length === 0) return '{}';
  return `{${inner}${entries.map(([key, item]) => `${goJson(key)}${colon}${writeJson(item, inner)}`).join(`,${inner}`)}${line}}`;
}

/** What was read without being typed (--no-interpolate), as YAML or JSON, keys sorted. */
export const treeYaml = (tree: Writable): string => writeYaml(tree);
export const treeJson = (tree: Writable): string => writeJson(tree, '\n');
