/**
 * Addresses of git repositories as builds take them: `git://host/repo`, `ssh://…`, `user@host:repo`, and what ends in
 * `.git` on the web; behind them `#ref:subdirectory`, or the same as a query (`?branch=main&subdir=web`).
 */
import { posix } from 'node:path';
import { WherryError } from '#base/error.ts';
import { parseBool } from '#base/units.ts';
import { parseWebAddress, unescaped } from '#base/web-address.ts';

export interface GitAddress {
  /** What git is given. */
  remote: string;
  /** A branch, a tag, a commit's hash or a full name; '' is the remote's default branch. */
  ref: string;
  /** Below the root, without a slash at either end; '' is all of it. */
  subdir: string;
  /** The commit that the ref has to be, or its beginning. */
  checksum?: string;
  /** .git stays. Undefined: nothing was said of it. */
  keepGitDir?: boolean;
  /** false: submodules stay empty. */
  submodules?: boolean;
  /** Files have the commit's time. */
  commitTimes?: boolean;
}

const PROTOCOL = /^([a-zA-Z0-9]+):\/\//;
const SCP = /^([a-zA-Z0-9-_]+@[a-zA-Z0-9-.]+:.*?)(?:\?(.*?))?(?:#(.*))?$/;
const SPOKEN = new Set(['http', 'https', 'ssh', 'git']);

/**
 * Reads an address. Undefined for what is no git repository's: a path, or a web address that doesn't end in `.git`.
 * Throws kind `invalid` in BuildKit's words for queries that make no sense, and for web addresses that are none.
 */
export function parseGitAddress(text: string): GitAddress | undefined {
  if (text.startsWith('./') || text.startsWith('../')) return undefined;
  // Docker's oldest form, which has no protocol.
  const full = text.startsWith('github.com/') ? `https://${text}` : text;
  const protocol = PROTOCOL.exec(full)?.[1]?.toLowerCase();
  const parts = protocol === undefined ? scpParts(full) : SPOKEN.has(protocol) ? urlParts(full) : undefined;
  if (parts === undefined) return undefined;
  const onTheWeb = protocol === 'http' || protocol === 'https';
  if (onTheWeb && full === text && !parts.path.endsWith('.git')) return undefined;
  if (onTheWeb) parseWebAddress(parts.remote);
  const [ref = '', ...rest] = parts.fragment.split(':');
  const start = { remote: parts.remote, ref, subdir: posix.join('/', rest.join(':')).slice(1) };
  return readQuery(start, new URLSearchParams(parts.query));
}

interface Parts {
  remote: string;
  path: string;
  query: string;
  fragment: string;
}

function scpParts(text: string): Parts | undefined {
  const match = SCP.exec(text);
  if (match === null) return undefined;
  const [, remote = '', query = '', fragment = ''] = match;
  return { remote, path: remote, query, fragment };
}

function urlParts(text: string): Parts | undefined {
  const [, beforeFragment = '', fragment = ''] = /^([^#]*)#?(.*)$/s.exec(text) ?? [];
  const [, remote = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(beforeFragment) ?? [];
  const path = /^[a-z0-9]+:\/\/[^/]*(.*)$/is.exec(remote)?.[1] ?? '';
  return { remote, path, query, fragment: unescaped(fragment) };
}

const invalid = (reason: string) => new WherryError('invalid', reason);
/** Keys that may stand without a value. */
const SWITCHES = new Set(['submodules', 'keep-git-dir', 'fetch-by-commit']);

function readQuery(start: GitAddress, query: URLSearchParams): GitAddress {
  const address = { ...start };
  const asked: { tag?: string; branch?: string } = {};
  for (const key of new Set(query.keys())) {
    const [value = '', ...more] = query.getAll(key);
    if (more.length > 0) throw invalid(`query "${key}" has multiple values`);
    if (value === '' && !SWITCHES.has(key)) throw invalid(`query "${key}" has no value`);
    readOne(address, asked, key, value);
  }
  if (asked.tag !== undefined && asked.branch !== undefined) throw invalid('branch conflicts with tag');
  const { tag, branch } = asked;
  if (tag !== undefined) agree(address, 'ref', below('refs/tags/', tag));
  if (branch !== undefined) agree(address, 'ref', below('refs/heads/', branch));
  return address;
}

const below = (prefix: string, name: string) => (name.startsWith(prefix) ? name : prefix + name);

function readOne(address: GitAddress, asked: { tag?: string; branch?: string }, key: string, value: string): void {
  switch (key) {
    case 'ref':
    case 'subdir':
      agree(address, key, value);
      return;
    case 'tag':
    case 'branch':
      asked[key] = value;
      return;
    case 'checksum':
    case 'commit':
      address.checksum = value;
      return;
    case 'keep-git-dir':
      address.keepGitDir = truth(key, value);
      return;
    case 'submodules':
      address.submodules = truth(key, value);
      return;
    case 'fetch-by-commit':
      // A commit is fetched by its hash where the remote allows that, in any case.
      truth(key, value);
      return;
    case 'mtime':
      if (value !== 'checkout' && value !== 'commit') {
        throw invalid(`invalid mtime value: "${value}" (must be "checkout" or "commit")`);
      }
      address.commitTimes = value === 'commit';
      return;
    default:
      throw invalid(`unexpected query "${key}"`);
  }
}

/** What the fragment and the query say of one thing has to be the same. */
function agree(address: GitAddress, key: 'ref' | 'subdir', value: string): void {
  if (address[key] !== '' && address[key] !== value) {
    throw invalid(`${key} conflicts: "${address[key]}" vs "${value}"`);
  }
  address[key] = key === 'subdir' ? posix.join('/', value).slice(1) : value;
}

/** Without a value it is true. */
function truth(key: string, value: string): boolean {
  const read = value === '' ? true : parseBool(value);
  if (read === undefined) throw invalid(`invalid ${key} value: "${value}"`);
  return read;
}

export const isWeb = (text: string) => /^https?:\/\//.test(text);

/** Is it an address, and no path here? */
export const isFar = (context: string) => parseGitAddress(context) !== undefined || isWeb(context);
