/** `.env` and env files, in docker compose's reading: quotes, `export`, comments behind values, variables in values. */

import { existsSync, readFileSync } from 'node:fs';
import { hasCode, WherryError } from '#base/error.ts';
import { type Lookup, substitute, TemplateError } from '#compose/load/template.ts';
import type { Told } from '#compose/load/told.ts';
import type { EnvFile, Project, Service } from '#compose/model/project.ts';
import { invalid } from '#compose/model/tree.ts';

export type Variables = Record<string, string>;

interface Scan {
  text: string;
  at: number;
  line: number;
  lookup: Lookup;
  warn: ((text: string) => void) | undefined;
}

const isSpace = (letter: string | undefined) => letter !== undefined && /\s/.test(letter);
const isBlank = (letter: string | undefined) =>
  letter !== undefined && letter !== '\n' && /[\t\v\f\r \x85\xa0]/.test(letter);

/** Adds a file's variables. lookup comes before them where values name variables. Throws kind `invalid` with the line. */
export function readVariables(
  text: string,
  into: Variables,
  lookup: Lookup = () => undefined,
  warn?: (text: string) => void,
): void {
  const found: Lookup = (name) => lookup(name) ?? (Object.hasOwn(into, name) ? into[name] : undefined);
  const scan: Scan = { text: text.replace(/^\ufeff/, ''), at: 0, line: 1, lookup: found, warn };
  while (toStatement(scan)) {
    const { name, isInherited } = readName(scan);
    if (name.includes(' ')) throw invalid(`line ${scan.line}: key cannot contain a space`);
    const value = isInherited ? lookup(name) : readValue(scan);
    if (value !== undefined) into[name] = value;
  }
}

/** Past white space and comments; false at the end. */
function toStatement(scan: Scan): boolean {
  const { text } = scan;
  for (;;) {
    while (isSpace(text[scan.at])) {
      if (text[scan.at] === '\n') scan.line += 1;
      scan.at += 1;
    }
    if (scan.at >= text.length) return false;
    if (text[scan.at] !== '#') return true;
    const end = text.indexOf('\n', scan.at);
    if (end < 0) return false;
    scan.at = end;
  }
}

/** The name before `=` or `:`; inherited where the line ends with it. */
function readName(scan: Scan): { name: string; isInherited: boolean } {
  const { text } = scan;
  const exported = /^export\s+/.exec(text.slice(scan.at, scan.at + 100));
  if (exported !== null) scan.at += exported[0].length;
  const start = scan.at;
  for (let at = start; at < text.length; at += 1) {
    const letter = text[at] as string;
    if (letter === '=' || letter === ':' || letter === '\n') {
      const name = text.slice(start, at);
      const isInherited = letter === '\n';
      if (isInherited && !name.includes(' ')) scan.line += 1;
      scan.at = at + 1;
      while (isBlank(text[scan.at])) scan.at += 1;
      return { name: name.trimEnd(), isInherited };
    }
    if (isBlank(letter) || /[\w.\-[\]\p{L}\p{N}]/u.test(letter)) continue;
    const rest = text.slice(start).split('\n', 1)[0];
    throw invalid(
      `line ${scan.line}: unexpected character ${JSON.stringify(letter)} in variable name ${JSON.stringify(rest)}`,
    );
  }
  // A last line of a name alone: compose takes it for one without a name.
  scan.at = text.length;
  return { name: '', isInherited: false };
}

function readValue(scan: Scan): string {
  const quote = scan.text[scan.at];
  if (quote === '"' || quote === "'") return readQuoted(scan, quote);
  const newline = scan.text.indexOf('\n', scan.at);
  const end = newline < 0 ? scan.text.length : newline;
  const line = scan.text.slice(scan.at, end);
  scan.at = newline < 0 ? end : end + 1;
  scan.line += 1;
  return expand((line.split(' #', 1)[0] as string).trimEnd(), scan);
}

function readQuoted(scan: Scan, quote: string): string {
  const { text } = scan;
  const start = scan.at;
  let value = '';
  let isEscaped = false;
  for (let at = start + 1; at < text.length; at += 1) {
    const letter = text[at] as string;
    if (letter === '\n') scan.line += 1;
    if (letter === quote && !isEscaped) {
      scan.at = at + 1;
      return quote === '"' ? expand(expandEscapes(value), scan) : value;
    }
    if (letter === '\\' && !isEscaped) {
      isEscaped = true;
      continue;
    }
    value += isEscaped && letter !== quote ? `\\${letter}` : letter;
    isEscaped = false;
  }
  throw invalid(`line ${scan.line}: unterminated quoted value ${text.slice(start).split('\n', 1)[0]}`);
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  $: '$$',
  '"': '"',
  '\\': '\\',
};

/** The escapes of double quotes; `\c` stays, and so does what isn't three octal digits after `\0`. */
function expandEscapes(text: string): string {
  return text.replace(/\\([abcfnrtv$"\\]|0\d{0,3})/g, (match, letter: string) => {
    if (!letter.startsWith('0')) return ESCAPES[letter] ?? match;
    const code = /^[0-7]{3}$/.test(letter.slice(1)) ? Number.parseInt(letter.slice(1), 8) : 256;
    return code < 256 ? String.fromCharCode(code) : match;
  });
}

function expand(value: string, { lookup, warn }: Scan): string {
  try {
    return substitute(value, lookup, warn);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw invalid(error.template === undefined ? error.message : `Invalid template: ${JSON.stringify(error.template)}`);
  }
}

/** Reads one file's variables into some. Throws kind `invalid` with the file and the line. */
function readFile(file: string, text: string, into: Variables, lookup: Lookup, warn: (text: string) => void): void {
  try {
    readVariables(text, into, lookup, warn);
  } catch (error) {
    if (error instanceof WherryError) throw invalid(`failed to read ${file}: ${error.message}`);
    throw error;
  }
}

/**
 * The variables of env files, later ones over earlier ones; environment comes before them where values name variables.
 * Throws kind `invalid` with the file.
 */
export function readEnvFiles(files: readonly string[], environment: Variables, { warn, look }: Told): Variables {
  const variables: Variables = {};
  const lookup: Lookup = (name) => environment[name] ?? variables[name];
  for (const file of files) {
    look?.(file);
    const text = readText(file, () => invalid(`couldn't find env file: ${file}`));
    readFile(file, text, variables, lookup, warn);
  }
  return variables;
}

function readText(path: string, missing: () => WherryError): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw missing();
    if (hasCode(error, 'EISDIR')) throw invalid(`${path} is a directory`);
    if (hasCode(error, 'EACCES')) throw invalid(`open ${path}: permission denied`);
    throw error;
  }
}

/** The variables that services have from env files; the files are then forgotten. In place. */
export function resolveEnvFiles(project: Project, told: Told): void {
  for (const service of Object.values(project.services)) {
    resolveEnvironmentOf(service, project.environment, told);
    delete service.env_file;
  }
}

/** The labels that services have from files; the files are then forgotten. In place. */
export function resolveLabelFiles(project: Project, told: Told): void {
  for (const service of Object.values(project.services)) {
    resolveLabels(service, told);
    delete service.label_file;
  }
}

function resolveEnvironmentOf(service: Service, environment: Variables, told: Told): void {
  const own: Record<string, string | null> = {};
  for (const [name, value] of Object.entries(service.environment ?? {})) own[name] = value ?? environment[name] ?? null;
  const isSet = (pair: [string, string | null]): pair is [string, string] => pair[1] !== null;
  const variables: Variables = Object.fromEntries(Object.entries(own).filter(isSet));
  const lookup: Lookup = (name) => environment[name] ?? own[name] ?? undefined;
  for (const file of service.env_file ?? []) readServiceFile(file, variables, lookup, told);
  const all = { ...variables, ...own };
  if (Object.keys(all).length > 0) service.environment = all;
}

function readServiceFile(
  { path, required, format = '' }: EnvFile,
  into: Variables,
  lookup: Lookup,
  { warn, look }: Told,
): void {
  look?.(path);
  const missing = invalid(`env file ${path} not found: stat ${path}: no such file or directory`);
  const text = textUnlessMissing(path, required === false ? undefined : missing);
  if (text === undefined) return;
  if (format === 'raw') readRaw(text, into, lookup);
  else if (format === '') readFile(path, text, into, lookup, warn);
  else throw invalid(`unsupported env_file format ${JSON.stringify(format)}`);
}

/** The text of a file; undefined where it may be missing and is. */
function textUnlessMissing(path: string, missing: WherryError | undefined): string | undefined {
  if (missing === undefined && !existsSync(path)) return undefined;
  return readText(path, () => missing as WherryError);
}

/** `format: raw`: nothing is quoted and nothing replaced (docker run's --env-file). */
function readRaw(text: string, into: Variables, lookup: Lookup): void {
  for (const line of text.split('\n')) {
    const word = line.replace(/\r$/, '').trimStart();
    if (word === '' || word.startsWith('#')) continue;
    const at = word.indexOf('=');
    const name = at < 0 ? word : word.slice(0, at);
    const value = at < 0 ? lookup(name) : word.slice(at + 1);
    if (value !== undefined) into[name] = value;
  }
}

function resolveLabels(service: Service, { warn, look }: Told): void {
  const files = [service.label_file ?? []].flat();
  if (files.length === 0) return;
  const labels: Variables = {};
  for (const path of files) {
    look?.(path);
    const missing = invalid(`label file ${path} not found: stat ${path}: no such file or directory`);
    const own: Variables = {};
    readFile(
      path,
      readText(path, () => missing),
      own,
      (name) => labels[name],
      warn,
    );
    Object.assign(labels, own);
  }
  service.labels = { ...labels, ...service.labels };
}
