/** Git repositories as sources: `https://host/repo.git#ref:folder`, `git@host:repo.git?branch=x`, as BuildKit reads them. */
import { posix } from 'node:path';
import { quote } from '#base/go-quote.ts';
import { parseBool } from '#base/units.ts';
import { wrong } from '#build/dockerfile/fault.ts';

export interface GitReference {
  /** What git is told, without fragment and query. */
  remote: string;
  ref?: string;
  subdir?: string;
  /** The commit it must be. */
  checksum?: string;
  keepGitDir?: boolean;
  submodules?: boolean;
  mtime?: 'checkout' | 'commit';
  /** `github.com/…`, which could be a directory: only meant as git where it is a context. */
  looksLocal: boolean;
}

interface Parts {
  remote: string;
  query: URLSearchParams;
  fragment: string;
}

/** Undefined for what is no repository. Throws kind `invalid` for one with a wrong query. */
export function parseGitReference(text: string): GitReference | undefined {
  const looksLocal = text.startsWith('github.com/');
  const parts = splitUrl(text, looksLocal);
  if (parts === undefined) return undefined;
  const { remote, query, fragment } = parts;
  const colon = fragment.indexOf(':');
  const ref = colon < 0 ? fragment : fragment.slice(0, colon);
  const subdir = colon < 0 ? '' : posix.join('/', fragment.slice(colon + 1)).slice(1);
  const reference: GitReference = {
    remote,
    looksLocal,
    ...(ref === '' ? {} : { ref }),
    ...(subdir === '' ? {} : { subdir }),
  };
  readQuery(reference, query);
  return reference;
}

function splitUrl(text: string, looksLocal: boolean): Parts | undefined {
  if (looksLocal) return splitAt(text);
  const protocol = /^([a-zA-Z0-9]+):\/\//.exec(text)?.[1]?.toLowerCase();
  if (protocol === undefined) {
    const [, remote, query = '', fragment = ''] =
      /^([a-zA-Z0-9-_]+@[a-zA-Z0-9-.]+:.*?)(?:\?(.*?))?(?:#(.*))?$/.exec(text) ?? [];
    return remote === undefined ? undefined : { remote, query: new URLSearchParams(query), fragment };
  }
  if (!['http', 'https', 'ssh', 'git'].includes(protocol) || !URL.canParse(text)) return undefined;
  const parts = splitAt(text);
  const isWeb = protocol === 'http' || protocol === 'https';
  return isWeb && !new URL(text).pathname.endsWith('.git') ? undefined : parts;
}

function splitAt(text: string): Parts {
  const hash = text.indexOf('#');
  const fragment = hash < 0 ? '' : decode(text.slice(hash + 1));
  const before = hash < 0 ? text : text.slice(0, hash);
  const mark = before.indexOf('?');
  const query = new URLSearchParams(mark < 0 ? '' : before.slice(mark + 1));
  return { remote: mark < 0 ? before : before.slice(0, mark), query, fragment };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

type Setter = (reference: GitReference, value: string, draft: { tag?: string; branch?: string }) => void;

function readQuery(reference: GitReference, query: URLSearchParams): void {
  const draft: { tag?: string; branch?: string } = {};
  for (const key of new Set(query.keys())) {
    const values = query.getAll(key);
    const [value = ''] = values;
    if (values.length > 1) throw wrong(`query ${quote(key)} has multiple values`);
    const isSwitch = key === 'submodules' || key === 'keep-git-dir';
    if (value === '' && !isSwitch) throw wrong(`query ${quote(key)} has no value`);
    const set = Object.hasOwn(SETTERS, key) ? SETTERS[key] : undefined;
    if (set === undefined) throw wrong(`unexpected query ${quote(key)}`);
    set(reference, value, draft);
  }
  const { tag, branch } = draft;
  if (tag !== undefined) setOnce(reference, 'ref', withPrefix(tag, 'refs/tags/'));
  if (branch === undefined) return;
  if (tag !== undefined) throw wrong('branch conflicts with tag');
  setOnce(reference, 'ref', withPrefix(branch, 'refs/heads/'));
}

const withPrefix = (name: string, prefix: string) => (name.startsWith(prefix) ? name : prefix + name);

function setOnce(reference: GitReference, field: 'ref' | 'subdir', value: string): void {
  const before = reference[field];
  if (before !== undefined && before !== value) {
    throw wrong(`${field} conflicts: ${quote(before)} vs ${quote(value)}`);
  }
  reference[field] = value;
}

const isOn = (key: string, value: string): boolean => {
  const read = value === '' ? true : parseBool(value);
  if (read === undefined) throw wrong(`invalid ${key} value: ${quote(value)}`);
  return read;
};

const checksum: Setter = (reference, value) => {
  reference.checksum = value;
};

const SETTERS: Readonly<Record<string, Setter>> = {
  ref: (reference, value) => setOnce(reference, 'ref', value),
  subdir: (reference, value) => setOnce(reference, 'subdir', value),
  tag: (_reference, value, draft) => {
    draft.tag = value;
  },
  branch: (_reference, value, draft) => {
    draft.branch = value;
  },
  checksum,
  commit: checksum,
  'keep-git-dir': (reference, value) => {
    reference.keepGitDir = isOn('keep-git-dir', value);
  },
  submodules: (reference, value) => {
    reference.submodules = isOn('submodules', value);
  },
  mtime: (reference, value) => {
    if (value !== 'checkout' && value !== 'commit') {
      throw wrong(`invalid mtime value: ${quote(value)} (must be "checkout" or "commit")`);
    }
    reference.mtime = value;
  },
};
