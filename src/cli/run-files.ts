/** Files that flags of run and create name: --env-file, --label-file, seccomp profiles. */
import { readFileSync } from 'node:fs';
import { reasonOf } from '#base/errno.ts';
import { hasCode, WherryError } from '#base/error.ts';

const invalid = (message: string, cause?: unknown) => new WherryError('invalid', message, { cause });

/** Reads --env-file: a name without a value takes ours, and is left out where we have none. */
export function readEnvFile(path: string): string[] {
  return readPairs(path, (name) => process.env[name]);
}

/** Reads --label-file: a name without a value is left out. */
export function readLabelFile(path: string): string[] {
  return readPairs(path, () => undefined);
}

/** Docker's pkg/kvfile: lines of `key=value`, `#` starts a comment line, what leads the line is cut, nothing else. */
function readPairs(path: string, lookUp: (name: string) => string | undefined): string[] {
  const fail = (why: string) => invalid(`invalid env file (${path}): ${why}`);
  return splitLines(readNamed(path, fail)).flatMap((bytes, index) => {
    const text = decode(bytes);
    if (text === undefined) throw fail(`invalid utf8 bytes at line ${index + 1}: [${bytes.join(' ')}]`);
    const pair = readPair((index === 0 ? text.replace(/^\uFEFF/, '') : text).trimStart(), { lookUp, fail });
    return pair === undefined ? [] : [pair];
  });
}

interface PairOptions {
  lookUp: (name: string) => string | undefined;
  fail: (why: string) => WherryError;
}

function readPair(line: string, { lookUp, fail }: PairOptions): string | undefined {
  if (line === '' || line.startsWith('#')) return undefined;
  const key = line.split('=', 1)[0] ?? '';
  if (key === '') throw fail(`no variable name on line '${line}'`);
  if (/[ \t]/.test(key)) throw fail(`variable '${key}' contains whitespaces`);
  if (line.includes('=')) return line;
  const ours = lookUp(key);
  return ours === undefined ? undefined : `${key}=${ours}`;
}

function readNamed(path: string, fail: (why: string) => WherryError): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (hasCode(error, 'EISDIR')) throw fail(`read ${path}: is a directory`);
    throw invalid(`open ${path}: ${reason(error)}`, error);
  }
}

/** What libc says, as Go writes it; an error that is not of the file system is thrown as it is. */
export function reason(error: unknown): string {
  const text = reasonOf(error);
  if (text === undefined) throw error;
  return text;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(LINE_FEED, start);
    const end = feed === -1 ? bytes.length : feed;
    lines.push(bytes.subarray(start, end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end));
    start = end + 1;
  }
  return lines;
}

/** Undefined for what is no UTF-8. */
function decode(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? text : undefined;
}

/**
 * --security-opt as the daemon takes it: a seccomp profile's file becomes its content, and `systempaths=unconfined`
 * becomes empty lists of hidden paths. Throws kind `invalid` in Docker's words.
 */
export function readSecurityOptions(given: readonly string[]): { options: string[]; unconfinedPaths: boolean } {
  const options = given.map(readSecurityOption);
  const kept = options.filter((option) => option !== 'systempaths=unconfined');
  return { options: kept, unconfinedPaths: kept.length < options.length };
}

function readSecurityOption(option: string): string {
  if (option === 'no-new-privileges') return option;
  const at = option.includes('=') ? option.indexOf('=') : option.indexOf(':');
  const [key, value] = [option.slice(0, Math.max(at, 0)), option.slice(at + 1)];
  if (at === -1 || (value === '' && key !== 'no-new-privileges')) {
    throw invalid(`Invalid --security-opt: "${option}"`);
  }
  if (key !== 'seccomp' || value === 'unconfined' || value === 'builtin') return option;
  return `seccomp=${readProfile(value)}`;
}

function readProfile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid(`opening seccomp profile (${path}) failed: open ${path}: ${reason(error)}`, error);
  }
  try {
    JSON.parse(text);
  } catch (error) {
    throw invalid(`compacting json for seccomp profile (${path}) failed: ${(error as Error).message}`, error);
  }
  // As it stands, not parsed and written anew: its masks of 64 bits would not survive that.
  return text.trim();
}
