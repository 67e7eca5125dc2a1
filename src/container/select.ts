/** ps --filter: which containers are meant, by Docker's rules (moby, daemon/list.go). */

import { WherryError } from '#base/error.ts';
import { type Accepted, asDaemon, type Filters, parseFilters } from '#base/filter.ts';
import { findContainer } from '#container/names.ts';
import { type ContainerRecord, shownMounts } from '#container/record.ts';
import { networkNames, portsOf, type Seen, statusOf } from '#container/view.ts';
import type { Store } from '#store/store.ts';

const ACCEPTED: Accepted = {
  ancestor: undefined,
  before: undefined,
  exited: undefined,
  expose: undefined,
  health: undefined,
  id: undefined,
  'is-task': undefined,
  // Windows' alone: with Docker on Linux it leaves all as they are, too.
  isolation: undefined,
  label: undefined,
  name: undefined,
  network: undefined,
  publish: undefined,
  since: undefined,
  status: undefined,
  volume: undefined,
};

const STATES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];
const HEALTHS = ['none', 'starting', 'healthy', 'unhealthy'];

/** What the filters ask for. */
export interface Selection {
  /** A status was asked for, so containers that don't run are looked at, too. */
  all: boolean;
  matches(seen: Seen): boolean;
}

/** Does a container come from the image of this name or id, or from one that is built on it? */
export type Descends = (record: ContainerRecord, ancestor: string) => boolean;

/** Reads --filter. Throws kind `invalid`, or `not-found` for an unknown container in before and since; Docker's words. */
export function readSelection(store: Store, pairs: readonly string[], descends: Descends): Selection {
  const filters = asDaemon(() => parseFilters(pairs, ACCEPTED));
  checkValues(filters, 'status', 'state', STATES);
  checkValues(filters, 'health', 'health', HEALTHS);
  const tests = [
    byIdentity(filters),
    byState(filters),
    byAge(store, filters),
    byMounts(filters),
    byPorts(filters),
    (seen: Seen) => !filters.has('ancestor') || filters.values('ancestor').some((one) => descends(seen.record, one)),
    () => filters.flag('is-task') !== true,
  ];
  asDaemon(() => filters.flag('is-task'));
  return { all: filters.has('status'), matches: (seen) => tests.every((test) => test(seen)) };
}

type Test = (seen: Seen) => boolean;

function refuse(message: string): WherryError {
  return new WherryError('unavailable', message);
}

function checkValues(filters: Filters, name: string, what: string, accepted: readonly string[]): void {
  const bad = filters.values(name).find((value) => !accepted.includes(value));
  if (bad === undefined) return;
  throw refuse(
    `invalid filter '${name}=${bad}': invalid value for ${what} (${bad}): must be one of ${accepted.join(', ')}`,
  );
}

function byIdentity(filters: Filters): Test {
  return ({ record, network }) =>
    filters.pattern('id', record.id) &&
    (filters.pattern('name', record.name) || filters.pattern('name', `/${record.name}`)) &&
    filters.labels('label', record.config.Labels) &&
    (!filters.has('network') ||
      networkNames(record).some(
        (name) =>
          filters.exact('network', name) || filters.exact('network', network()?.endpoints[name]?.networkId ?? ''),
      ));
}

function byState(filters: Filters): Test {
  const codes = filters.values('exited').map((value) => {
    if (/^[+-]?\d+$/.test(value)) return Number(value);
    throw refuse(`invalid filter 'exited=${value}': strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
  });
  return ({ state, health }) =>
    filters.exact('status', statusOf(state)) &&
    (codes.length === 0 || (state?.status === 'exited' && codes.includes(state.exitCode))) &&
    (!filters.has('health') || filters.exact('health', health()?.Status ?? 'none'));
}

function byAge(store: Store, filters: Filters): Test {
  const created = (name: string) => filters.values(name).map((value) => findContainer(store, value).created);
  const [before, since] = [created('before'), created('since')];
  return ({ record }) => before.every((time) => record.created < time) && since.every((time) => record.created > time);
}

function byMounts(filters: Filters): Test {
  return ({ record }) =>
    !filters.has('volume') ||
    shownMounts(record).some(
      (mount) => filters.exact('volume', mount.Destination) || filters.exact('volume', mount.Name || mount.Source),
    );
}

function byPorts(filters: Filters): Test {
  const [published, exposed] = [portFilter(filters, 'publish'), portFilter(filters, 'expose')];
  if (published.size + exposed.size === 0) return () => true;
  return (seen) =>
    portsOf(seen).some(
      (port) => published.has(`${port.outside}/${port.protocol}`) || exposed.has(`${port.inside}/${port.protocol}`),
    );
}

/** `80`, `80-90/udp`. */
function portFilter(filters: Filters, name: string): Set<string> {
  const wanted = new Set<string>();
  for (const value of filters.values(name)) {
    const [range = '', protocol = 'tcp'] = value.split('/');
    const [first = 0, last = first] = range.split('-').map((text) => portNumber(text, name, value));
    if (last < first)
      throw refuse(`error while looking up for ${name} ${value}: Invalid range specified for the Port: ${range}`);
    for (let port = first; port <= last; port += 1) wanted.add(`${port}/${protocol.toLowerCase()}`);
  }
  return wanted;
}

function portNumber(text: string, name: string, value: string): number {
  const about = `error while looking up for ${name} ${value}: strconv.ParseUint: parsing ${JSON.stringify(text)}`;
  if (!/^\d+$/.test(text)) throw refuse(`${about}: invalid syntax`);
  if (Number(text) > 65535) throw refuse(`${about}: value out of range`);
  return Number(text);
}
