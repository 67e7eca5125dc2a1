/**
 * Compose files as YAML: the texts of go-yaml 3, which docker compose reads with (0777 is octal, `yes` is text), and the
 * marks `!reset` and `!override`, which are remembered by their paths.
 */

import type { State, Type } from 'js-yaml';
import { readTimestamp, type Timestamp } from '#compose/model/timestamp.ts';
import { invalid, type Tree, type TreeMap } from '#compose/model/tree.ts';

export interface YamlDocument {
  value: Tree;
  /** Paths under `!reset` and `!override`: what earlier files have there is forgotten. */
  forgotten: string[][];
}

/** More values than this beyond the file's own length can only come of aliases that multiply. */
const ALIAS_ROOM = 400_000;

/** A scalar that isn't text; as a key it shows itself by a first letter that no key has. */
class Plain {
  readonly #value: Exclude<Tree, undefined>;
  constructor(value: Exclude<Tree, undefined>) {
    this.#value = value;
  }
  get [Symbol.toStringTag]() {
    return 'Plain';
  }
  value() {
    return this.#value;
  }
  toString() {
    return `\0${this.#value === null ? '<nil>' : String(this.#value)}`;
  }
}

/** What stands under `!reset` or `!override`. */
class Marked {
  readonly mark: 'reset' | 'override';
  readonly value: unknown;
  constructor(mark: 'reset' | 'override', value: unknown) {
    this.mark = mark;
    this.value = value;
  }
}

const WORDS: Readonly<Record<string, null | boolean | number>> = {
  '~': null,
  null: null,
  Null: null,
  NULL: null,
  true: true,
  True: true,
  TRUE: true,
  false: false,
  False: false,
  FALSE: false,
  '.nan': Number.NaN,
  '.NaN': Number.NaN,
  '.NAN': Number.NaN,
  '.inf': Number.POSITIVE_INFINITY,
  '.Inf': Number.POSITIVE_INFINITY,
  '.INF': Number.POSITIVE_INFINITY,
  '+.inf': Number.POSITIVE_INFINITY,
  '+.Inf': Number.POSITIVE_INFINITY,
  '+.INF': Number.POSITIVE_INFINITY,
  '-.inf': Number.NEGATIVE_INFINITY,
  '-.Inf': Number.NEGATIVE_INFINITY,
  '-.INF': Number.NEGATIVE_INFINITY,
};

const MAY_BE_PLAIN = /^[-+.\d~nNtTfF]/;
const INTEGER = /^([-+]?)(0[xX][\da-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]+|0|[1-9]\d*)$/;
const FLOAT = /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/;
const [LOWEST, HIGHEST] = [-(2n ** 63n), 2n ** 64n - 1n];

/** What an unquoted word is when it isn't text: null, boolean or number; undefined for text. */
export function plainValue(word: string): null | boolean | number | bigint | Timestamp | undefined {
  if (!MAY_BE_PLAIN.test(word)) return undefined;
  if (Object.hasOwn(WORDS, word)) return WORDS[word];
  const digits = word.includes('_') ? word.replaceAll('_', '') : word;
  const integer = INTEGER.exec(digits);
  if (integer !== null) {
    const body = (integer[2] as string).replace(/^0(?=[0-7]+$)/, '0o');
    const value = integer[1] === '-' ? -BigInt(body) : BigInt(body);
    if (value >= LOWEST && value <= HIGHEST) return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  if (FLOAT.test(digits)) return Number(digits);
  return word[4] === '-' ? readTimestamp(word) : undefined;
}

let schema: { tags: import('js-yaml').Schema; js: typeof import('js-yaml') } | undefined;

/** The reader with our tags; loaded when the first file is read. */
async function reader() {
  if (schema !== undefined) return schema;
  const js = await import('js-yaml');
  const plain = (tag: string, kinds: (value: unknown) => boolean): Type =>
    new js.Type(`tag:yaml.org,2002:${tag}`, {
      kind: 'scalar',
      resolve: (word: string | null) => word !== null && kinds(plainValue(word)),
      construct: (word: string) => new Plain(plainValue(word) ?? null),
    });
  const mark = (name: 'reset' | 'override') =>
    (['scalar', 'sequence', 'mapping'] as const).map(
      (kind) => new js.Type(`!${name}`, { kind, construct: (value) => new Marked(name, value) }),
    );
  const other = (['scalar', 'sequence', 'mapping'] as const).flatMap((kind) =>
    ['!', 'tag:'].map((tag) => new js.Type(tag, { kind, multi: true, construct: (value) => value })),
  );
  const binary = new js.Type('tag:yaml.org,2002:binary', {
    kind: 'scalar',
    construct: (value: string) => Buffer.from(value, 'base64').toString('latin1'),
  });
  const merge = new js.Type('tag:yaml.org,2002:merge', { kind: 'scalar', resolve: (word) => word === '<<' });
  schema = {
    js,
    tags: js.FAILSAFE_SCHEMA.extend({
      implicit: [merge, plain('value', (value) => value !== undefined)],
      explicit: [
        plain('null', (value) => value === null),
        plain('bool', (value) => typeof value === 'boolean'),
        plain('int', (value) => typeof value === 'number' || typeof value === 'bigint'),
        plain('float', (value) => typeof value === 'number'),
        binary,
        ...mark('reset'),
        ...mark('override'),
        ...other,
      ],
    }),
  };
  return schema;
}

/** The documents of a file, in order. Throws kind `invalid` with the file, the line and what is wrong there. */
export async function readYaml(text: string, file: string): Promise<YamlDocument[]> {
  const { js, tags } = await reader();
  let values: unknown[];
  try {
    values = js.loadAll(text.replace(/^\ufeff/, ''), undefined, { schema: tags });
  } catch (error) {
    if (error instanceof js.YAMLException) throw invalid(`failed to parse ${file}: ${explain(error, text)}`);
    if (error instanceof RangeError) throw invalid(`failed to parse ${file}: yaml: exceeded max depth`);
    throw error;
  }
  // Comments alone are no document.
  if (values.length === 1 && values[0] === null && !/^---/m.test(text)) return [];
  const walk: Walk = { file, room: text.length + ALIAS_ROOM, open: new Set(), forgotten: [] };
  return values.map((value) => {
    walk.forgotten = [];
    return { value: clean(value, [], walk) ?? null, forgotten: walk.forgotten };
  });
}

interface Walk {
  file: string;
  room: number;
  /** What we are inside of. */
  open: Set<object>;
  forgotten: string[][];
}

/** The value without our classes; undefined for what is reset. Every alias becomes a copy. */
function clean(value: unknown, path: string[], walk: Walk): Tree {
  walk.room -= 1;
  if (walk.room < 0) throw invalid(`failed to parse ${walk.file}: yaml: document contains excessive aliasing`);
  if (value instanceof Plain) return value.value();
  if (value instanceof Marked) {
    walk.forgotten.push(path);
    return value.mark === 'reset' ? undefined : clean(value.value, path, walk);
  }
  if (typeof value !== 'object' || value === null) return value as Tree;
  if (walk.open.has(value)) {
    const at = path.join('.');
    throw invalid(`failed to parse ${walk.file}: cycle detected: node at path ${at} references itself`);
  }
  walk.open.add(value);
  const made = Array.isArray(value) ? cleanList(value, path, walk) : cleanMap(value, path, walk);
  walk.open.delete(value);
  return made;
}

function cleanList(list: unknown[], path: string[], walk: Walk): Tree[] {
  const made = list.map((item, index) => clean(item, [...path, String(index)], walk));
  return made.some((item) => item === undefined) ? made.filter((item) => item !== undefined) : made;
}

function cleanMap(map: object, path: string[], walk: Walk): TreeMap {
  const made: TreeMap = {};
  for (const [key, item] of Object.entries(map)) {
    if (key.startsWith('\0')) {
      const where = path.length === 0 ? 'at top level' : `in ${path.join('.').replace(/\.(\d+)(?=\.|$)/g, '[$1]')}`;
      throw invalid(`non-string key ${where}: ${key.slice(1)} (in ${walk.file})`);
    }
    const value = clean(item, [...path, key], walk);
    if (value === undefined) continue;
    if (key === '__proto__')
      Object.defineProperty(made, key, { value, enumerable: true, writable: true, configurable: true });
    else made[key] = value;
  }
  return made;
}

/** Where docker compose has words for it, those; js-yaml's line is that of the trouble, go-yaml's often the one before. */
function explain({ reason, mark }: InstanceType<typeof import('js-yaml').YAMLException>, text: string): string {
  const line = (mark?.line ?? 0) + 1;
  if (reason.startsWith('duplicated mapping key')) return duplicate(text, mark.position, line);
  if (reason.startsWith('cannot merge mappings')) {
    return `yaml: line ${line}: map merge requires map or sequence of maps as the value`;
  }
  const anchor = /^unidentified alias "(.*)"/.exec(reason);
  if (anchor !== null) return `yaml: line ${line}: unknown anchor '${anchor[1]}' referenced`;
  return `yaml: line ${line}: ${reason}`;
}

/** The second of two equal keys, and the line of the first: the last line before it that has it as far to the left. */
function duplicate(text: string, position: number, line: number): string {
  const lines = text.split('\n');
  const start = text.lastIndexOf('\n', position - 1) + 1;
  const word = /^(["']?)(.*?)\1\s*(?::|$)/.exec((text.slice(position).split('\n', 1)[0] as string).trim());
  const name = word?.[2] ?? '';
  const column = position - start;
  const isSame = (other: string) =>
    other.slice(column).replace(/^["']/, '').startsWith(name) && !other.slice(0, column).trim();
  // In braces both may stand on one line.
  const isBeside = text.slice(start, position).includes(`${name}:`);
  let first = isBeside ? line : line - 1;
  while (!isBeside && first > 1 && !isSame(lines[first - 1] ?? '')) first -= 1;
  return `line ${line}: mapping key ${JSON.stringify(name)} already defined at line ${first}`;
}

/**
 * The line of what stands at a path of a file, or of the nearest thing above it that does; undefined where the file
 * can't say. Reads the file anew: only errors ask.
 */
export async function lineOf(text: string, path: readonly string[]): Promise<number | undefined> {
  const { js, tags } = await reader();
  const roots: Place[] = [];
  const open: Place[] = [];
  const listener = (event: 'open' | 'close', state: State) => {
    if (event === 'open') {
      open.push({ line: state.line + 1 + leading(state), items: [], result: undefined });
      return;
    }
    const place = open.pop() as Place;
    place.result = state.result;
    (open.at(-1)?.items ?? roots).push(place);
  };
  try {
    js.loadAll(text, undefined, { schema: tags, listener });
  } catch {
    return undefined;
  }
  return roots.map((root) => find(root, path)).find((line) => line !== undefined);
}

interface Place {
  line: number;
  items: Place[];
  result: unknown;
}

/** The reader says that it begins a value where the one before ended: lines that are empty or comments lie between. */
function leading(state: State): number {
  const rest = (state as unknown as { input: string; position: number }).input.slice(
    (state as unknown as { position: number }).position,
  );
  const between = /^(?:[ \t]*(?:#[^\n]*)?\r?\n)*/.exec(rest)?.[0] ?? '';
  return between.split('\n').length - 1;
}

/** above: the line of the key whose value this is. */
function find(place: Place, path: readonly string[], above = place.line): number | undefined {
  const [word, ...rest] = path;
  if (word === undefined) return place.line;
  const { result, items } = place;
  if (Array.isArray(result)) {
    const item = items[Number(word)];
    return item === undefined ? above : find(item, rest);
  }
  const at = items.findIndex((item, index) => index % 2 === 0 && String(item.result) === word);
  const key = items[at];
  if (key === undefined) return above;
  const value = items[at + 1];
  return rest.length === 0 || value === undefined || value.items.length === 0 ? key.line : find(value, rest, key.line);
}
