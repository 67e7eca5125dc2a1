/** --userns, --uidmap and --gidmap: which ids of our user namespace a container gets, and as which. Pure. */
import { WherryError } from '#base/error.ts';
import type { Extras, IdMapping, UserMaps } from '#base/extras.ts';
import type { IdRange, UserNamespace } from '#sys/userns.ts';

/** What --userns asks for. `host` is our own namespace, with all of its ids. */
export type UsernsMode =
  | { kind: 'host' | 'private' | 'nomap' }
  | { kind: 'keep-id'; uid?: number; gid?: number }
  | { kind: 'auto'; size?: number; uids: IdMapping[]; gids: IdMapping[] }
  | { kind: 'container'; name: string }
  | { kind: 'path'; path: string };

const invalid = (message: string, hint?: string) =>
  new WherryError('invalid', message, hint === undefined ? {} : { hint });

/** Reads HostConfig.UsernsMode: Docker's words and podman's. Throws kind `invalid`. */
export function parseUserns(text: string): UsernsMode {
  const at = text.indexOf(':');
  const [word, rest] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  if (at < 0 && (word === '' || word === 'host')) return { kind: 'host' };
  if (at < 0 && (word === 'private' || word === 'nomap')) return { kind: word };
  if (word === 'container' && rest !== '') return { kind: 'container', name: rest };
  if (word === 'ns' && rest.startsWith('/')) return { kind: 'path', path: rest };
  if (word === 'keep-id') return keepId(optionsOf(rest, ['uid', 'gid']));
  if (word === 'auto') return auto(optionsOf(rest, ['size', 'uidmapping', 'gidmapping']));
  throw invalid(
    `invalid user namespace mode: ${text}`,
    'Use host, private, keep-id, auto, nomap, container:NAME or ns:PATH',
  );
}

type Options = [key: string, value: string][];

function optionsOf(text: string, known: readonly string[]): Options {
  if (text === '') return [];
  return text.split(',').map((option) => {
    const at = option.indexOf('=');
    const key = at < 0 ? option : option.slice(0, at);
    if (!known.includes(key)) throw invalid(`unknown option specified: "${key}"`, `Known are ${known.join(', ')}`);
    return [key, at < 0 ? '' : option.slice(at + 1)];
  });
}

function keepId(options: Options): UsernsMode {
  return { kind: 'keep-id', ...Object.fromEntries(options.map(([key, value]) => [key, readId(value)])) };
}

function auto(options: Options): UsernsMode {
  const mode: Extract<UsernsMode, { kind: 'auto' }> = { kind: 'auto', uids: [], gids: [] };
  for (const [key, value] of options) {
    if (key === 'size') mode.size = readId(value);
    else if (key === 'uidmapping') mode.uids.push(parseMapping(value));
    else mode.gids.push(parseMapping(value));
  }
  return mode;
}

function readId(text: string): number {
  if (!/^\d+$/.test(text)) throw invalid(`strconv.ParseUint: parsing "${text}": invalid syntax`);
  if (Number(text) >= 2 ** 32) throw invalid(`strconv.ParseUint: parsing "${text}": value out of range`);
  return Number(text);
}

/** `container:ours:count`; without a count it is one id. */
function parseMapping(text: string): IdMapping {
  const parts = text.split(':');
  if (parts.length < 2 || parts.length > 3) {
    throw invalid(
      `invalid id map "${text}"`,
      'Write it as CONTAINER_ID:ID:COUNT; ID counts in your own user namespace',
    );
  }
  const [inside = 0, outside = 0, count = 1] = parts.map(readId);
  if (count === 0) throw invalid(`invalid id map "${text}": it maps nothing`);
  return { inside, outside, count };
}

/** Docker's words about a mode that goes with nothing else. */
export function checkUserns(mode: UsernsMode, idmaps: Extras['idmaps'], namespace: UserNamespace): void {
  if (idmaps !== undefined && !['host', 'private'].includes(mode.kind)) {
    throw invalid('--userns and --uidmap/--gidmap are mutually exclusive');
  }
  // Root's ids are those of everybody on the machine: none of them may be given away.
  if (!namespace.initial || !['keep-id', 'nomap', 'auto'].includes(mode.kind)) return;
  throw invalid(`${mode.kind} is only supported in rootless mode`, 'Root’s own ids are what they are: use --uidmap');
}

/**
 * The maps of a mode whose maps need no looking around; undefined for the others, and for our own namespace.
 * Throws kind `invalid` for ids that our namespace does not have.
 */
export function mapsOf(mode: UsernsMode, idmaps: Extras['idmaps'], ours: UserNamespace): UserMaps | undefined {
  if (idmaps !== undefined) return givenMaps(idmaps, ours);
  switch (mode.kind) {
    case 'private':
      return both(ours, (ranges) => ranges.map(({ inside, count }) => ({ inside, outside: inside, count })));
    case 'nomap':
      return needed(both(ours, (ranges) => numbered(without(ranges, 0))));
    case 'keep-id':
      return { uids: kept(ours.uids, mode.uid), gids: kept(ours.gids, mode.gid) };
    default:
      return undefined;
  }
}

const both = ({ uids, gids }: UserNamespace, make: (ranges: readonly IdRange[]) => IdMapping[]): UserMaps => ({
  uids: make(uids),
  gids: make(gids),
});

function needed(maps: UserMaps): UserMaps {
  if (maps.uids.length > 0 && maps.gids.length > 0) return maps;
  throw new WherryError('denied', 'Cannot leave out your own id: your user namespace has no other', {
    hint: 'Have root give you a range of ids in /etc/subuid and /etc/subgid (install.sh says how)',
  });
}

function givenMaps({ uids, gids }: NonNullable<Extras['idmaps']>, ours: UserNamespace): UserMaps {
  const [uidMaps, gidMaps] = [uids.map(parseMapping), gids.map(parseMapping)];
  const maps = { uids: uidMaps.length > 0 ? uidMaps : gidMaps, gids: gidMaps.length > 0 ? gidMaps : uidMaps };
  checkOurs(maps.uids, ours.uids, 'UID');
  checkOurs(maps.gids, ours.gids, 'GID');
  return maps;
}

function checkOurs(maps: readonly IdMapping[], ranges: readonly IdRange[], what: string): void {
  const whole = joined(ranges);
  for (const { outside, count } of maps) {
    if (whole.some((range) => outside >= range.first && outside + count <= range.first + range.count)) continue;
    const last = outside + count - 1;
    throw invalid(
      `Cannot map ${what}s ${outside} to ${last}: your user namespace does not have them all`,
      'See `wherry unshare cat /proc/self/uid_map`',
    );
  }
}

interface Run {
  first: number;
  count: number;
}

/** Ranges that follow each other are one. */
function joined(ranges: readonly IdRange[]): Run[] {
  const runs: Run[] = [];
  for (const { inside, count } of ranges.toSorted((one, other) => one.inside - other.inside)) {
    const last = runs.at(-1);
    if (last !== undefined && last.first + last.count === inside) last.count += count;
    else runs.push({ first: inside, count });
  }
  return runs;
}

/** All ids but this one. */
function without(ranges: readonly IdRange[], id: number): Run[] {
  return joined(ranges).flatMap(({ first, count }) =>
    [
      { first, count: Math.min(count, Math.max(id - first, 0)) },
      { first: Math.max(first, id + 1), count: Math.max(first + count - Math.max(first, id + 1), 0) },
    ].filter((run) => run.count > 0),
  );
}

/** The runs one behind the other, from the container's 0 on. */
function numbered(runs: readonly Run[]): IdMapping[] {
  let inside = 0;
  return runs.map(({ first, count }) => {
    const mapping = { inside, outside: first, count };
    inside += count;
    return mapping;
  });
}

/**
 * keep-id: our own id, which is 0 here, is `id` in the container; the others fill up what is below and above it.
 * What is above stays at its number, as with podman, so that id 0 of the container is our 1.
 */
function kept(ranges: readonly IdRange[], id = ranges.find(({ inside }) => inside === 0)?.outside ?? 0): IdMapping[] {
  const others = numbered(without(ranges, 0));
  const below = others.flatMap(({ inside, outside, count }) =>
    inside < id ? [{ inside, outside, count: Math.min(count, id - inside) }] : [],
  );
  const above = others.flatMap(({ inside, outside, count }) => {
    const skipped = Math.max(id - inside, 0);
    if (skipped >= count) return [];
    return [{ inside: inside + skipped + 1, outside: outside + skipped, count: count - skipped }];
  });
  return [...below, { inside: id, outside: 0, count: 1 }, ...above];
}

/** The least that a container of its own range gets, and the most (containers/storage). */
export const AUTO = { least: 1024, most: 65536 };

/**
 * A range of ids that no other container has. used: the maps of the others; size: how many ids.
 * Throws kind `unavailable` when no range is left.
 */
export function autoMaps(
  mode: Extract<UsernsMode, { kind: 'auto' }>,
  size: number,
  { ours, used }: { ours: UserNamespace; used: readonly UserMaps[] },
): UserMaps {
  const pick = (ranges: readonly IdRange[], taken: readonly IdMapping[], fixed: readonly IdMapping[]) => {
    const mine = fixed.map(({ inside, count }) => ({ inside, count }));
    const free = freeRun(ranges, [...taken, ...fixed], size - mine.reduce((sum, { count }) => sum + count, 0));
    return [...around(mine, size, free), ...fixed].sort((one, other) => one.inside - other.inside);
  };
  return {
    uids: pick(
      ours.uids,
      used.flatMap((maps) => maps.uids),
      mode.uids,
    ),
    gids: pick(
      ours.gids,
      used.flatMap((maps) => maps.gids),
      mode.gids,
    ),
  };
}

/** Where so many free ids stand together; 0, who we are ourselves, is no one else's. */
function freeRun(ranges: readonly IdRange[], taken: readonly IdMapping[], count: number): number {
  for (const run of without(ranges, 0)) {
    let from = run.first;
    for (const { outside, count: length } of taken.toSorted((one, other) => one.outside - other.outside)) {
      if (outside + length <= from || outside >= run.first + run.count) continue;
      if (outside - from >= count) return from;
      from = Math.max(from, outside + length);
    }
    if (run.first + run.count - from >= count) return from;
  }
  throw new WherryError('unavailable', 'not enough unused IDs in user namespace', {
    hint: 'Ask for fewer (--userns auto:size=N), or remove containers that have a range of their own',
  });
}

/** The container's ids 0 to size - 1 but those of `mine`, from `outside` on. */
function around(mine: readonly Pick<IdMapping, 'inside' | 'count'>[], size: number, outside: number): IdMapping[] {
  const maps: IdMapping[] = [];
  let [inside, next] = [0, outside];
  for (const one of [...mine.toSorted((a, b) => a.inside - b.inside), { inside: size, count: 0 }]) {
    const count = Math.max(Math.min(one.inside, size) - inside, 0);
    if (count > 0) maps.push({ inside, outside: next, count });
    next += count;
    inside = one.inside + one.count;
  }
  return maps;
}

/** A namespace with these maps as a container sees it. */
export function namespaceOf(maps: UserMaps | undefined, ours: UserNamespace): UserNamespace {
  return maps === undefined ? ours : { initial: false, uids: maps.uids, gids: maps.gids };
}

/** The id in our namespace of an id in the container's; undefined where it has none. */
export function outsideId(maps: readonly IdMapping[], id: number): number | undefined {
  const found = maps.find(({ inside, count }) => id >= inside && id < inside + count);
  return found === undefined ? undefined : found.outside + id - found.inside;
}

/** Who the container's root is in our namespace; undefined where it has none. */
export function outsideRoot({ uids, gids }: UserMaps): { uid: number; gid: number } | undefined {
  const [uid, gid] = [outsideId(uids, 0), outsideId(gids, 0)];
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/** The other way round. */
export function insideId(maps: readonly IdMapping[], id: number): number | undefined {
  const found = maps.find(({ outside, count }) => id >= outside && id < outside + count);
  return found === undefined ? undefined : found.inside + id - found.outside;
}
