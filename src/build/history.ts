/**
 * What was built: `build/history/<ref>.json`, with the build's events beside it, a line each (`<ref>.log`). The newest
 * fifty are kept, as BuildKit keeps them.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hasCode, WherryError } from '#base/error.ts';
import type { BuildEvent } from '#build/event.ts';
import type { Store } from '#store/store.ts';
import { replace } from '#sys/file.ts';
import { randomHex } from '#sys/random.ts';

const KEPT = 50;

/** Times are milliseconds since the epoch. */
export interface BuildRecord {
  ref: string;
  /** The context's last part, and the Dockerfile where it is not the usual one. */
  name: string;
  context: string;
  dockerfile: string;
  target?: string;
  platforms?: string[];
  /** Whom it was asked of; absent in records of old. */
  builder?: { name: string; node: string };
  started: number;
  completed: number;
  error?: {
    message: string /** The vertex that failed. */;
    name: string /** Lines of the Dockerfile. */;
    source: string;
  };
  steps: { total: number; completed: number; cached: number };
}

type About = Pick<BuildRecord, 'name' | 'context' | 'dockerfile' | 'target' | 'platforms'> &
  Required<Pick<BuildRecord, 'builder'>>;

/** `builder/node/ref`, which names a build for whoever asks another builder. */
export const fullRef = ({ ref, builder }: Pick<BuildRecord, 'ref' | 'builder'>): string =>
  `${builder?.name ?? 'default'}/${builder?.node ?? 'default'}/${ref}`;

export interface Recorder {
  readonly ref: string;
  note(event: BuildEvent): void;
  /** Writes the record. A disk that takes none is no reason for a build to fail. */
  end(failure?: { message: string; source: string }): void;
}

const folder = (store: Store) => store.path('build', 'history');
const fileOf = (store: Store, ref: string, kind: 'json' | 'log') => `${folder(store)}/${ref}.${kind}`;

export function recordBuild(store: Store, { builder: { name, node }, ...about }: About): Recorder {
  const ref = randomHex(12);
  const started = Date.now();
  const lines: string[] = [];
  const vertices = new Map<string, BuildEvent & { kind: 'vertex' }>();
  return {
    ref,
    note: (event) => {
      if (event.kind === 'vertex') vertices.set(event.id, event);
      lines.push(JSON.stringify(event.kind === 'log' ? { ...event, data: event.data.toString('base64') } : event));
    },
    end: (failure) => {
      const all = [...vertices.values()];
      const ended = all.filter(({ completed }) => completed !== undefined);
      const failed = all.find(({ error }) => error !== undefined && !error.endsWith('context canceled'));
      const steps = { total: all.length, completed: ended.length, cached: all.filter(({ cached }) => cached).length };
      const error = failure === undefined ? {} : { error: { ...failure, name: failed?.name ?? '' } };
      keep(store, { ref, ...about, builder: { name, node }, started, completed: Date.now(), ...error, steps }, lines);
    },
  };
}

function keep(store: Store, record: BuildRecord, lines: readonly string[]): void {
  try {
    mkdirSync(folder(store), { recursive: true, mode: 0o700 });
    replace(fileOf(store, record.ref, 'log'), `${lines.join('\n')}\n`);
    replace(fileOf(store, record.ref, 'json'), JSON.stringify(record));
    if (readdirSync(folder(store)).length <= 2 * KEPT) return;
    for (const { ref } of listBuilds(store).slice(KEPT)) removeBuild(store, ref);
  } catch (error) {
    if (!hasCode(error, 'ENOSPC', 'EDQUOT', 'EROFS') && !(error instanceof WherryError)) throw error;
  }
}

/** Newest first. What is damaged is left out. */
export function listBuilds(store: Store): BuildRecord[] {
  return readNames(store)
    .flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : []))
    .flatMap((ref) => readRecord(store, ref) ?? [])
    .sort((a, b) => b.started - a.started);
}

function readNames(store: Store): string[] {
  try {
    return readdirSync(folder(store));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

function readRecord(store: Store, ref: string): BuildRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(fileOf(store, ref, 'json'), 'utf8')) as BuildRecord;
    return record.ref === ref && typeof record.started === 'number' ? record : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** By its ref, `builder/node/ref`, the beginning of one, `^0` (the newest), `^1` …; '' is the newest. Throws kind `not-found`. */
export function findBuild(store: Store, text: string): BuildRecord {
  const all = listBuilds(store);
  const offset = text === '' ? '0' : /^\^(\d+)$/.exec(text)?.[1];
  const ref = text.split('/').at(-1) ?? '';
  const matching = all.filter((record) => record.ref.startsWith(ref));
  const found =
    offset === undefined ? (all.find((record) => record.ref === ref) ?? only(matching)) : all[Number(offset)];
  if (found !== undefined) return found;
  throw new WherryError('not-found', text === '' ? 'no records found' : `no record found for ref "${text}"`);
}

const only = <T>(list: readonly T[]) => (list.length === 1 ? list[0] : undefined);

/** The build's events, as they came. */
export function buildEvents(store: Store, { ref }: Pick<BuildRecord, 'ref'>): BuildEvent[] {
  const text = readFileSync(fileOf(store, ref, 'log'), 'utf8');
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    const event = JSON.parse(line) as BuildEvent;
    return [event.kind === 'log' ? { ...event, data: Buffer.from(String(event.data), 'base64') } : event];
  });
}

export function removeBuild(store: Store, ref: string): void {
  for (const kind of ['json', 'log'] as const) rmSync(fileOf(store, ref, kind), { force: true });
}
