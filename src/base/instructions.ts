/** Dockerfile text as instructions with their arguments, as BuildKit's parser reads it (frontend/dockerfile/parser). Pure. */
import { WherryError } from '#base/error.ts';

export interface Instruction {
  /** As it is written. */
  name: string;
  /** The words, or what the kind of the instruction makes of the line: for ENV and LABEL, name and value in turn. */
  args: string[];
  /** The arguments are a JSON array. */
  json: boolean;
  /** `--interval=5s` … before the arguments. */
  flags: string[];
  /** The whole line, continuations joined. */
  original: string;
  /** Where it begins, from 1. */
  line: number;
}

export interface InstructionText {
  instructions: Instruction[];
  /** What escapes a character, and continues a line at its end: a backslash, or what `# escape=` says. */
  token: string;
}

const wrong = (message: string) => new WherryError('invalid', message);

/** Throws kind `invalid` in BuildKit's words. */
export function parseInstructions(text: string): InstructionText {
  const lines = text.replace(/^\uFEFF/, '').split(/(?<=\n)/);
  const token = readDirectives(lines);
  const instructions = joinLines(lines, token).map(({ text: line, at }) => readInstruction(line, at, token));
  if (instructions.length === 0) throw wrong('file with no instructions');
  return { instructions, token };
}

/** `# escape=` among the comments that stand first. */
function readDirectives(lines: readonly string[]): string {
  let token: string | undefined;
  for (const line of lines) {
    const [, name, value = ''] = /^\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line) ?? [];
    if (name === undefined) break;
    if (name.toLowerCase() !== 'escape') continue;
    if (token !== undefined) throw wrong('only one escape parser directive can be used');
    if (value !== '\\' && value !== '`') throw wrong(`invalid escape token '${value}' does not match \` or \\`);
    token = value;
  }
  return token ?? '\\';
}

interface Line {
  text: string;
  at: number;
}

/** Lines with what continues them; comments and empty lines go, also from in between. */
function joinLines(lines: readonly string[], token: string): Line[] {
  const quoted = token === '\\' ? '\\\\' : '`';
  const continued = new RegExp(`(^|[^${quoted}])${quoted}[ \\t]*$`);
  const joined: Line[] = [];
  let open: Line | undefined;
  for (const [index, ended] of lines.entries()) {
    const line = ended.replace(/[\r\n]+$/, '');
    const isComment = /^\s*#/.test(line);
    if (isComment || line.trim() === '') continue;
    const text = open === undefined ? line.trimStart() : open.text + line;
    open = { text: text.replace(continued, '$1'), at: open?.at ?? index + 1 };
    if (continued.test(line)) continue;
    joined.push(open);
    open = undefined;
  }
  return open === undefined || open.text === '' ? joined : [...joined, open];
}

const SPACES = /[\t\v\f\r ]+/;

function readInstruction(original: string, line: number, token: string): Instruction {
  const trimmed = original.trim();
  const space = SPACES.exec(trimmed);
  const name = trimmed.slice(0, space?.index ?? trimmed.length);
  const after = space === null ? '' : trimmed.slice(space.index + space[0].length);
  const { flags, rest } = readFlags(after, token);
  const read = ARGUMENTS[name.toLowerCase()];
  const { args, json = false } = read?.(rest.trim(), { name: name.toUpperCase(), token }) ?? { args: [] };
  return { name, args, json, flags, original, line };
}

/** Words that begin with `--`, up to the first that does not; `--` alone ends them. */
function readFlags(text: string, token: string): { flags: string[]; rest: string } {
  const flags: string[] = [];
  let rest = text;
  while (rest.trimStart().startsWith('--')) {
    rest = rest.trimStart();
    const word = firstWord(rest, token);
    rest = rest.slice(word.length);
    if (word === '--') break;
    flags.push(bare(word, token));
  }
  return { flags, rest };
}

/** The word at the beginning of a text: quotes and escapes hold it together. One that nothing closes goes to the end. */
function firstWord(text: string, token: string): string {
  const t = token === '\\' ? '\\\\' : token;
  const escaped = `${t}[\\s\\S]`;
  const parts = [escaped, `'[^']*(?:'|$)`, `"(?:${escaped}|[^"${t}])*(?:"|${t}?$)`, `${t}$`, `[^\\s"'${t}]`];
  return new RegExp(`^(?:${parts.join('|')})*`).exec(text)?.[0] ?? '';
}

/** A word without its quotes and escapes. */
function bare(word: string, token: string): string {
  const t = token === '\\' ? '\\\\' : token;
  const parts = new RegExp(`'([^']*)'?|"((?:${t}[\\s\\S]|[^"${t}])*)"?|${t}([\\s\\S]?)`, 'g');
  const escaped = new RegExp(`${t}([\\s\\S])`, 'g');
  return word.replace(
    parts,
    (_all, single?: string, double?: string, char = '') => single ?? double?.replace(escaped, '$1') ?? char,
  );
}

/** Quotes are kept, for who puts in variables later. */
function words(text: string, token: string): string[] {
  const found: string[] = [];
  for (let rest = text.trimStart(); rest !== ''; rest = rest.trimStart()) {
    const word = firstWord(rest, token);
    found.push(word);
    rest = rest.slice(word.length);
  }
  return found;
}

interface Arguments {
  args: string[];
  json?: boolean;
}

type ReadArguments = (rest: string, about: { name: string; token: string }) => Arguments;

const asOne: ReadArguments = (rest) => ({ args: rest === '' ? [] : [rest] });
const asList: ReadArguments = (rest) => ({ args: rest === '' ? [] : rest.split(SPACES) });
const asWords: ReadArguments = (rest, { token }) => ({ args: words(rest, token) });

/** A JSON array of strings, or what `otherwise` makes of it. */
const orJson =
  (otherwise: ReadArguments): ReadArguments =>
  (rest, about) => {
    const json = readJson(rest);
    return json === undefined ? otherwise(rest, about) : { args: json, json: true };
  };

function readJson(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
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
const asPairs: ReadArguments = (rest, { name, token }) => {
  const found = words(rest, token);
  const [first] = found;
  if (first === undefined) return { args: [] };
  if (!first.includes('=')) {
    const space = SPACES.exec(rest);
    if (space === null) throw wrong(`${name} must have two arguments`);
    return { args: [rest.slice(0, space.index), rest.slice(space.index + space[0].length)] };
  }
  const args = found.flatMap((word) => {
    const at = word.indexOf('=');
    if (at >= 0) return [word.slice(0, at), word.slice(at + 1)];
    throw wrong(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
  });
  return { args };
};

/** A type, and for CMD its command. */
const asHealthcheck: ReadArguments = (rest, about) => {
  const [, type = '', command = ''] = /^(\S*)\s*([\s\S]*)$/.exec(rest) ?? [];
  if (type === '') return { args: [] };
  const { args, json = false } = orJson(asOne)(command, about);
  return { args: [type, ...args], json };
};

/** The name of the instruction behind, so that it can be judged. */
const asTrigger: ReadArguments = (rest, { token }) => ({
  args: rest === '' ? [] : [readInstruction(rest, 0, token).name],
});

const ARGUMENTS: Readonly<Record<string, ReadArguments>> = {
  add: orJson(asList),
  arg: asWords,
  cmd: orJson(asOne),
  copy: orJson(asList),
  entrypoint: orJson(asOne),
  env: asPairs,
  expose: asList,
  from: asList,
  healthcheck: asHealthcheck,
  label: asPairs,
  maintainer: asOne,
  onbuild: asTrigger,
  run: orJson(asOne),
  shell: orJson(asOne),
  stopsignal: asOne,
  user: asOne,
  volume: orJson(asList),
  workdir: asOne,
};
