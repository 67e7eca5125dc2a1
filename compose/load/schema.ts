/** Does a tree have the shape of a compose file? In the order and the words of compose's validator. */

import { quote } from '#base/go-quote.ts';
import { Misplaced } from '#compose/load/place.ts';
import { FILE, type Shape } from '#compose/load/shapes.ts';
import { Timestamp } from '#compose/model/timestamp.ts';
import { isMap, type Tree, type TreeMap } from '#compose/model/tree.ts';

interface Problem {
  path: readonly string[];
  /** What is wrong, where that is below the path that compose names. */
  place?: readonly string[];
  message: string;
  /** How deep it is: of several, the deepest is told. */
  depth: number;
}

/** Throws Misplaced, with the problem that compose would name. */
export function checkSchema(tree: TreeMap): void {
  const problem = check(tree, FILE, []);
  if (problem !== undefined) {
    throw new Misplaced(problem.place ?? problem.path, `${problem.path.join('.')} ${problem.message}`);
  }
}

const problemAt = (path: readonly string[], message: string, extra = 0): Problem => ({
  path,
  message,
  depth: path.length + extra,
});

/** In single quotes, with the escapes of Go. */
const quoted = (text: string) => `'${quote(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;

/** The deeper; the first of two that are as deep. */
const worse = (one: Problem | undefined, other: Problem | undefined): Problem | undefined =>
  one === undefined || (other !== undefined && other.depth > one.depth) ? other : one;

type Kind = 'mapping' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'null';

function kindOf(value: Tree): Kind {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (isMap(value)) return 'mapping';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'boolean';
  return typeof value === 'bigint' || Number.isInteger(value) ? 'integer' : 'number';
}

const isOf = (kind: Kind, wanted: readonly Kind[]) =>
  wanted.includes(kind) || (kind === 'integer' && wanted.includes('number'));

/** What of a value is wrong for a shape. */
function check(value: Tree, shape: Shape, path: readonly string[]): Problem | undefined {
  if (value instanceof Timestamp) {
    return Object.keys(shape).length === 0 ? undefined : problemAt(path, 'invalid jsonType time.Time');
  }
  if ('oneOf' in shape) return checkAny(value, shape.oneOf, path);
  const wrong = checkKind(value, shape, path);
  if (wrong !== undefined) return wrong;
  if (isMap(value)) return checkMap(value, shape, path);
  return Array.isArray(value) ? checkList(value, shape, path) : checkValue(value, shape, path);
}

type Simple = Exclude<Shape, { oneOf: readonly Shape[] }>;

function checkKind(value: Tree, { kinds }: Simple, path: readonly string[]): Problem | undefined {
  if (kinds === undefined || isOf(kindOf(value), kinds)) return undefined;
  const words = [...kinds].sort();
  const last = words.pop();
  return problemAt(path, `must be a ${words.length === 0 ? last : `${words.join(', ')} or ${last}`}`);
}

/** One of several shapes must fit; where none does, the trouble is that of the one that it comes nearest to. */
function checkAny(value: Tree, shapes: readonly Shape[], path: readonly string[]): Problem | undefined {
  let problem: Problem | undefined;
  for (const shape of shapes) {
    const found = check(value, shape, path);
    if (found === undefined) return undefined;
    problem = worse(problem, found);
  }
  return problem;
}

function checkMap(map: TreeMap, shape: Simple, path: readonly string[]): Problem | undefined {
  const { fields, names, item, required = [] } = shape;
  let problem: Problem | undefined;
  const missing = required.filter((name) => !Object.hasOwn(map, name));
  if (missing.length > 0) {
    const noun = missing.length === 1 ? 'property' : 'properties';
    problem = problemAt(path, `missing ${noun} ${missing.map(quoted).join(', ')}`);
  }
  const unknown: string[] = [];
  for (const [key, value] of Object.entries(map)) {
    const own = shapeOf(key, shape);
    if (own !== undefined) problem = worse(problem, check(value, own, [...path, key]));
    else if (fields !== undefined || (item !== undefined && names !== undefined)) unknown.push(key);
  }
  const [first] = unknown;
  if (first === undefined || shape.isOpen) return problem;
  const words = unknown.sort().map(quoted);
  const found = problemAt(path, `additional properties ${words.join(', ')} not allowed`, 1);
  return worse(problem, { ...found, place: [...path, first] });
}

function shapeOf(key: string, { fields, item, names, isPlain }: Simple): Shape | undefined {
  if (fields !== undefined && Object.hasOwn(fields, key)) return fields[key];
  if (fields !== undefined && !isPlain && key.startsWith('x-')) return {};
  return item !== undefined && (names === undefined || names.test(key)) ? item : undefined;
}

function checkList(list: Tree[], { item, isSet }: Simple, path: readonly string[]): Problem | undefined {
  let problem: Problem | undefined;
  if (isSet) {
    const same = firstTwins(list);
    if (same !== undefined) problem = problemAt(path, `items at ${same[0]} and ${same[1]} are equal`);
  }
  if (item === undefined) return problem;
  for (const [index, value] of list.entries()) problem = worse(problem, check(value, item, [...path, String(index)]));
  return problem;
}

function firstTwins(list: Tree[]): [number, number] | undefined {
  const seen = new Map<string, number>();
  for (const [index, value] of list.entries()) {
    const text =
      typeof value === 'string'
        ? `"${value}`
        : JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? String(item) : item));
    const before = seen.get(text);
    if (before !== undefined) return [before, index];
    seen.set(text, index);
  }
  return undefined;
}

function checkValue(value: Tree, shape: Simple, path: readonly string[]): Problem | undefined {
  if (shape.values !== undefined && !shape.values.includes(String(value))) {
    const words = shape.values.map((word) => `'${word}'`).join(', ');
    return problemAt(path, shape.values.length === 1 ? `value must be ${words}` : `value must be one of ${words}`);
  }
  if (shape.pattern !== undefined && typeof value === 'string' && !shape.pattern.test(value)) {
    return problemAt(path, `${quoted(value)} does not match pattern ${quoted(shape.pattern.source)}`);
  }
  if (typeof value !== 'number') return undefined;
  if (shape.minimum !== undefined && value < shape.minimum) {
    return problemAt(path, `must be greater than or equal to ${shape.minimum}`);
  }
  if (shape.maximum !== undefined && value > shape.maximum) {
    return problemAt(path, `must be less than or equal to ${shape.maximum}`);
  }
  return undefined;
}
