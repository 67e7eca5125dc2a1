/** The tree that a compose file is before it is typed: what YAML has, and walks through it by paths. */
import { WherryError } from '#base/error.ts';
import { Timestamp } from '#compose/model/timestamp.ts';

export type Tree = null | undefined | string | number | bigint | boolean | Timestamp | Tree[] | { [key: string]: Tree };
export type TreeMap = { [key: string]: Tree };

export const isMap = (value: unknown): value is TreeMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Timestamp);

/** What compose's errors call the kind of a value: Go's type. */
export function typeName(value: Tree): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  if (value instanceof Timestamp) return 'time.Time';
  if (isMap(value)) return 'map[string]interface {}';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  return typeof value === 'bigint' || Number.isInteger(value) ? 'int' : 'float64';
}

/** The map at a key, empty where there is none. */
export const mapAt = (map: TreeMap, key: string): TreeMap => {
  const value = map[key];
  return isMap(value) ? value : {};
};

/** A copy that shares nothing with the value. */
export function copyOf<T extends Tree>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T;
  return (
    isMap(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOf(item)])) : value
  ) as T;
}

/** What is wrong with a file or a model, in compose's words. */
export const invalid = (message: string): WherryError => new WherryError('invalid', message);

/** fmt.Sprint of a value of a file: what compose makes of a number or a boolean where it wants text. */
export function sprint(value: Tree): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(sprint).join(' ')}]`;
  if (isMap(value)) {
    const keys = Object.keys(value).sort();
    return `map[${keys.map((key) => `${key}:${sprint(value[key])}`).join(' ')}]`;
  }
  return typeof value === 'number' ? sprintNumber(value) : String(value);
}

/** %v of a float64: an exponent of two digits from 1e+21 on, and below 0.0001. */
function sprintNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const text = value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential() : String(value);
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** What happens to the value at a path: the new value. The path is as compose writes it (`services.web.ports.[]`). */
export type Change = (value: Tree, path: string) => Tree;

/** A table of paths, with `*` for any key or item, as a tree of its words. */
interface Node {
  change?: Change;
  next: Map<string, Node>;
}

/**
 * Makes of a table (path -> change) the function that applies it. Where a path is in the table its change alone decides
 * what becomes of what is below.
 */
export function changes(table: Readonly<Record<string, Change>>): (tree: TreeMap) => TreeMap {
  const root: Node = { next: new Map() };
  for (const [path, change] of Object.entries(table)) {
    let node = root;
    for (const word of path.split('.')) {
      const next = node.next.get(word) ?? { next: new Map() };
      node.next.set(word, next);
      node = next;
    }
    node.change = change;
  }
  return (tree) => apply(tree, '', [root], true) as TreeMap;
}

/** nodes: where in the table we are; several, as `*` and a name may both match. */
function apply(value: Tree, path: string, nodes: readonly Node[], isRoot = false): Tree {
  if (nodes.length === 0) return value;
  const change = isRoot ? undefined : nodes.find((node) => node.change !== undefined)?.change;
  const changed = change === undefined ? value : change(value, path);
  return below(changed, path, nodes);
}

function below(value: Tree, path: string, nodes: readonly Node[]): Tree {
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) value[at] = step(value[at], path, '[]', nodes);
  } else if (isMap(value)) {
    for (const key of Object.keys(value)) value[key] = step(value[key], path, key, nodes);
  }
  return value;
}

function step(value: Tree, path: string, word: string, nodes: readonly Node[]): Tree {
  const next: Node[] = [];
  for (const node of nodes) {
    const named = word === '[]' ? undefined : node.next.get(word);
    const any = node.next.get('*');
    if (named !== undefined) next.push(named);
    if (any !== undefined) next.push(any);
  }
  return next.length === 0 ? value : apply(value, path === '' ? word : `${path}.${word}`, next);
}
