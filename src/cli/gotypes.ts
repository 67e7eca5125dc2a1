/**
 * Go's types over the data of a template. Docker's templates walk over structs, lists and maps of Go's and behave by their
 * types; our data are what JSON makes of the same, so each value goes with its type.
 */

/** reflect.Kind, as far as it matters. `invalid` is Go's zero reflect.Value: nothing at all. */
type Kind =
  | 'invalid'
  | 'bool'
  | 'int'
  | 'uint'
  | 'float'
  | 'complex'
  | 'string'
  | 'slice'
  | 'map'
  | 'struct'
  | 'pointer'
  | 'interface';

export interface GoType {
  readonly kind: Kind;
  /** As Go writes it: `int64`, `[]string`, `*container.State`. */
  readonly name: string;
  /** Has a name of its own beside that of its kind, like container.NetworkMode: not assignable to the plain type. */
  readonly named?: boolean;
  /** Of slices, maps and pointers. */
  readonly elem?: GoType;
  /** Of maps. */
  readonly key?: GoType;
  /** Of structs, in Go's order. */
  readonly fields?: readonly Field[];
  readonly methods?: Methods;
  /** fmt.Stringer. */
  readonly show?: (data: unknown) => string;
  /** Of interfaces: the type of what is in it. */
  readonly inside?: (data: unknown) => GoType;
}

interface Field {
  readonly name: string;
  /** Its key in JSON; absent for an embedded struct, whose fields stand among its own. */
  readonly key?: string;
  readonly type: GoType;
}

/** What a method takes and does. Its arguments are checked against params. */
export interface Method {
  readonly params: readonly GoType[];
  readonly call: (data: unknown, ...values: unknown[]) => Value;
}

/** Finds a method of a value; data matter where the value is a row with methods of its own. */
type Methods = (name: string, data: unknown) => Method | undefined;

/** data: what JSON has for it; undefined and null are Go's zero value of the type. */
export interface Value {
  readonly type: GoType;
  readonly data: unknown;
}

const plain = (kind: Kind, name: string): GoType => ({ kind, name });

export const BOOL = plain('bool', 'bool');
export const INT = plain('int', 'int');
export const FLOAT = plain('float', 'float64');
export const COMPLEX = plain('complex', 'complex128');
export const STRING = plain('string', 'string');
const UINT8 = plain('uint', 'uint8');
/** A number in JSON that nobody knew the type of. */
const NUMBER: GoType = { kind: 'string', name: 'json.Number', named: true };
export const INVALID: Value = { type: plain('invalid', '<nil>'), data: undefined };
/** reflect.Value: what builtin functions take, which look at the value's type themselves. */
export const REFLECTED: GoType = plain('interface', 'reflect.Value');

export const sliceOf = (elem: GoType): GoType => ({ kind: 'slice', name: `[]${elem.name}`, elem });
export const mapOf = (key: GoType, elem: GoType): GoType => ({
  kind: 'map',
  name: `map[${key.name}]${elem.name}`,
  key,
  elem,
});
export const pointerTo = (elem: GoType): GoType => ({ kind: 'pointer', name: `*${elem.name}`, elem });

/** interface{} with what JSON had: numbers are json.Number, as where Docker reads an answer without knowing its shape. */
export const RAW: GoType = { kind: 'interface', name: 'interface {}', inside: rawType };
/** interface{} with our own data, whose shape nobody wrote down: told by how it looks. */
export const ANY: GoType = { kind: 'interface', name: 'interface {}', inside: looksLike };

const RAW_MAP = mapOf(STRING, RAW);
const RAW_SLICE = sliceOf(RAW);
const ANY_MAP = mapOf(STRING, ANY);
const ANY_SLICE = sliceOf(ANY);
export const STRINGS = sliceOf(STRING);

function rawType(data: unknown): GoType {
  if (typeof data === 'object') return Array.isArray(data) ? RAW_SLICE : RAW_MAP;
  return typeof data === 'number' ? NUMBER : scalarType(data);
}

function looksLike(data: unknown): GoType {
  if (typeof data !== 'object' || data === null) return scalarType(data);
  if (Array.isArray(data)) return data.every((item) => typeof item === 'string') ? STRINGS : ANY_SLICE;
  return isStruct(data as Record<string, unknown>) ? structLike(data) : ANY_MAP;
}

function scalarType(data: unknown): GoType {
  if (typeof data === 'boolean') return BOOL;
  if (typeof data === 'number') return Number.isInteger(data) ? INT : FLOAT;
  return STRING;
}

/** Names of struct fields are capitalised words; keys of maps (labels, networks, ports) hardly ever are. */
function isStruct(value: Record<string, unknown>): boolean {
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => /^[A-Z][A-Za-z0-9]*$/.test(key));
}

function structLike(data: object): GoType {
  const fields = Object.keys(data).map((key): Field => ({ name: key, key, type: ANY }));
  return { kind: 'struct', name: 'struct', fields };
}

/** Data of a shape that nobody wrote down. */
export const anyValue = (data: unknown): Value => inside({ type: ANY, data });
/** JSON that nobody knows the shape of. */
export const rawValue = (data: unknown): Value => inside({ type: RAW, data });

/** What is in an interface; any other value is itself. An empty interface has nothing in it. */
export function inside(value: Value): Value {
  const { type, data } = value;
  if (type.kind !== 'interface') return value;
  if (data === null || data === undefined) return INVALID;
  return { type: type.inside?.(data) ?? looksLike(data), data };
}

/** Follows pointers and interfaces. isNil: one of them is nil, and value is that one. */
export function indirect(value: Value): { value: Value; isNil: boolean } {
  let at = value;
  while (at.type.kind === 'pointer' || at.type.kind === 'interface') {
    if (isNil(at)) return { value: at, isNil: true };
    at = at.type.kind === 'pointer' ? { type: at.type.elem ?? ANY, data: at.data } : inside(at);
  }
  return { value: at, isNil: false };
}

const NILABLE = new Set<Kind>(['slice', 'map', 'pointer', 'interface', 'invalid']);

export function isNil({ type, data }: Value): boolean {
  return NILABLE.has(type.kind) && (data === null || data === undefined);
}

/** A struct's field by its name in Go, also in what it embeds; undefined when there is none. */
export function fieldOf({ type, data }: Value, name: string): Value | undefined {
  for (const field of type.fields ?? []) {
    if (field.name === name) return fieldValue(field, data);
  }
  for (const field of type.fields ?? []) {
    if (field.key !== undefined) continue;
    const embedded = field.type.elem ?? field.type;
    const found = fieldOf({ type: embedded, data }, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** An embedded struct has the data of the one that it is in. */
export function fieldValue({ key, type }: Field, data: unknown): Value {
  if (key === undefined) return { type, data };
  return { type, data: (data as Record<string, unknown> | undefined)?.[key] ?? undefined };
}

/** Of lists and texts: the element; a text's are bytes. */
export function elementOf({ type, data }: Value, at: number): Value {
  if (type.kind === 'string') return { type: UINT8, data: Buffer.from(textOf(data))[at] };
  return { type: type.elem ?? ANY, data: (data as unknown[])[at] };
}

export function lengthOf({ type, data }: Value): number {
  if (type.kind === 'string') return Buffer.byteLength(textOf(data));
  if (data === null || data === undefined) return 0;
  return Array.isArray(data) ? data.length : Object.keys(data).length;
}

/** A map's keys and values in the order of the keys. */
export function entriesOf({ type, data }: Value): [key: Value, value: Value][] {
  const map = (data ?? {}) as Record<string, unknown>;
  const key = type.key ?? STRING;
  const elem = type.elem ?? ANY;
  return Object.keys(map)
    .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
    .map((name) => [
      { type: key, data: name },
      { type: elem, data: map[name] },
    ]);
}

/** The text of a string or json.Number. */
export const textOf = (data: unknown): string => (data === null || data === undefined ? '' : String(data));
/** The number of an int or float. */
export const numberOf = (data: unknown): number => Number(data ?? 0);

/** Go's truth in templates: neither zero nor empty; a struct is always true. */
export function isTrue(value: Value): boolean {
  const { type, data } = value.type.kind === 'interface' ? inside(value) : value;
  switch (type.kind) {
    case 'invalid':
      return false;
    case 'struct':
      return true;
    case 'pointer':
      return data !== null && data !== undefined;
    case 'bool':
      return data === true;
    case 'int':
    case 'uint':
    case 'float':
      return numberOf(data) !== 0;
    case 'complex':
      return (data as number[]).some((part) => part !== 0);
    default:
      return lengthOf({ type, data }) > 0;
  }
}

/** reflect.Type.AssignableTo. */
export function isAssignable(from: GoType, to: GoType): boolean {
  if (from === to || to.kind === 'interface' || from.name === to.name) return true;
  if (from.kind !== to.kind || from.kind === 'struct') return false;
  // One of two types with the same inside may have a name of its own, but not where that is a basic type's.
  if (from.kind !== 'slice' && from.kind !== 'map') return false;
  return !(from.named && to.named) && from.elem?.name === to.elem?.name && from.key?.name === to.key?.name;
}

/** A method without arguments. */
export const getter = (type: GoType, read: (data: unknown) => unknown): Method => ({
  params: [],
  call: (data) => ({ type, data: read(data) }),
});

/**
 * A row of a list: an object whose properties are the fields, worked out when they are asked for. A function among them is
 * a method that takes texts.
 */
export const rowType = (name: string): GoType => ({ kind: 'struct', name, methods: memberOf });

function memberOf(name: string, data: unknown): Method | undefined {
  const row = data as Record<string, unknown>;
  if (!(name in row) || name in Object.prototype) return undefined;
  const member = row[name];
  if (typeof member !== 'function') return { params: [], call: () => inside({ type: ANY, data: member }) };
  return {
    params: Array.from({ length: member.length }, () => STRING),
    call: (_row, ...values) => inside({ type: ANY, data: member.apply(row, values) }),
  };
}
