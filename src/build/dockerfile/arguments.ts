/** What the kind of an instruction makes of the text behind its name and flags. */
import { quote } from '#base/go-quote.ts';
import { wrong } from '#build/dockerfile/fault.ts';
import { trimStart } from '#build/dockerfile/text.ts';

export interface Arguments {
  /** For ENV and LABEL in threes: name, value, and `=` or nothing. For ONBUILD the name and arguments inside. */
  args: string[];
  /** They are a JSON array. */
  json: boolean;
  /** The instruction behind ONBUILD. */
  inside?: { name: string; args: string[]; json: boolean };
}

interface About {
  token: string;
  /** Reads an instruction in an instruction. */
  inside: (text: string) => { name: string; args: string[]; json: boolean };
}

/** An unknown instruction has none. Throws kind `invalid` in BuildKit's words. */
export function readArguments(name: string, rest: string, about: About): Arguments {
  const key = name.toLowerCase();
  return Object.hasOwn(READERS, key) ? (READERS[key]?.(rest, about) ?? plain([])) : plain([]);
}

type Reader = (rest: string, about: About) => Arguments;

const plain = (args: string[]): Arguments => ({ args, json: false });
const asOne: Reader = (rest) => plain(rest === '' ? [] : [rest]);
const asList: Reader = (rest) => plain(rest === '' ? [] : rest.split(/[\t\v\f\r ]+/));
const asWords: Reader = (rest, { token }) => plain(words(rest, token));

/** A JSON array of strings, or what `otherwise` makes of it. */
const orJson =
  (otherwise: Reader): Reader =>
  (rest, about) => {
    const args = readJson(rest);
    return args === undefined ? otherwise(rest, about) : { args, json: true };
  };

function readJson(text: string): string[] | undefined {
  if (!trimStart(text).startsWith('[')) return undefined;
  let list: unknown[];
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (list.every((item) => typeof item === 'string')) return list;
  throw wrong('when using JSON array syntax, arrays must be comprised of strings only');
}

/** `NAME value` of old, or `NAME=value …`. */
const asPairs =
  (key: string): Reader =>
  (rest, { token }) => {
    const found = words(rest, token);
    const [first] = found;
    if (first === undefined) return plain([]);
    if (!first.includes('=')) {
      const space = /[\t\v\f\r ]+/.exec(rest);
      if (space === null) throw wrong(`${key} must have two arguments`);
      return plain([rest.slice(0, space.index), rest.slice(space.index + space[0].length), '']);
    }
    const args = found.flatMap((word) => {
      const at = word.indexOf('=');
      if (at >= 0) return [word.slice(0, at), word.slice(at + 1), '='];
      throw wrong(`Syntax error - can't find = in ${quote(word)}. Must be of the form: name=value`, word);
    });
    return plain(args);
  };

/** A type, and for CMD its command. */
const asHealthcheck: Reader = (rest, about) => {
  const [, type = '', command = ''] = /^(\S*)\s*([\s\S]*)$/.exec(rest) ?? [];
  if (type === '') return plain([]);
  const { args, json } = orJson(asOne)(command, about);
  return { args: [type, ...args], json };
};

const asTrigger: Reader = (rest, { inside }) => {
  if (rest === '') return plain([]);
  const trigger = inside(rest);
  return { args: [trigger.name, ...trigger.args], json: false, inside: trigger };
};

const READERS: Readonly<Record<string, Reader>> = {
  add: orJson(asList),
  arg: asWords,
  cmd: orJson(asOne),
  copy: orJson(asList),
  entrypoint: orJson(asOne),
  env: asPairs('ENV'),
  expose: asList,
  from: asList,
  healthcheck: asHealthcheck,
  label: asPairs('LABEL'),
  maintainer: asOne,
  onbuild: asTrigger,
  run: orJson(asOne),
  shell: orJson(asOne),
  stopsignal: asOne,
  user: asOne,
  volume: orJson(asList),
  workdir: asOne,
};

/** What instructions can be called. */
export const INSTRUCTIONS: readonly string[] = Object.keys(READERS).map((name) => name.toUpperCase());

/** Words with their quotes and escapes, for who puts in variables later. A quote that nothing closes goes to the end. */
function words(text: string, token: string): string[] {
  const t = token === '\\' ? '\\\\' : token;
  const part = new RegExp(`(\\s+)|${t}[\\s\\S]|'[^']*'?|"(?:${t}[\\s\\S]|[^"${t}])*"?|[\\s\\S]`, 'g');
  const found: string[] = [];
  let word: string | undefined;
  for (const [piece, space] of text.matchAll(part)) {
    if (space !== undefined) {
      if (word !== undefined) found.push(word);
      word = undefined;
      continue;
    }
    // One at the very end escapes nothing.
    if (piece !== token) word = (word ?? '') + piece;
  }
  return word === undefined ? found : [...found, word];
}
