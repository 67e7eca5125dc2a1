/** What starts when the machine does: the containers whose restart policy asks for it, in an order that suits them. */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { listContainers } from '#container/names.ts';
import type { ContainerRecord, State } from '#container/record.ts';
import { isRunning, readState } from '#container/state.ts';
import { startContainer } from '#engine/start.ts';
import type { Store } from '#store/store.ts';
import { readText } from '#sys/file.ts';
import { ownScope } from '#sys/scope.ts';

/**
 * Does a container's policy ask for a start with the machine? As Docker's daemon decides when it starts (moby,
 * container.ShouldRestart; tried with 28.5): `always` even where somebody had stopped it, `unless-stopped` where nobody
 * had, `on-failure` where it ended with a status but 0 (a power cut gives 255) and its count is not used up.
 * One that never ran stays as it is.
 */
export function wantsStart({ hostConfig }: Pick<ContainerRecord, 'hostConfig'>, state: State | undefined): boolean {
  if (state === undefined) return false;
  const { Name: policy, MaximumRetryCount: most } = hostConfig.RestartPolicy;
  if (policy === 'always') return true;
  if (policy === 'unless-stopped') return state.stopped !== true;
  return policy === 'on-failure' && state.exitCode !== 0 && (most <= 0 || state.restartCount < most);
}

/** Names or ids of what should run before: whose namespaces it shares, whom it links to, what --requires and compose name. */
export function neededBy({ hostConfig, extras, config }: ContainerRecord): string[] {
  const { NetworkMode, PidMode, IpcMode, UTSMode, Links } = hostConfig;
  const shared = [NetworkMode, PidMode, IpcMode, UTSMode].flatMap((mode) => /^container:(.+)$/.exec(mode)?.[1] ?? []);
  const linked = (Links ?? []).map((link) => (link.split(':')[0] ?? '').replace(/^\//, ''));
  return [...shared, ...linked, ...(extras?.requires ?? []), ...composeNeeds(config.Labels)];
}

const COMPOSE = 'com.docker.compose';

/** `db:service_healthy:false,cache:service_started:true`, of the same project; as `service/project`. */
function composeNeeds(labels: Record<string, string>): string[] {
  const project = labels[`${COMPOSE}.project`];
  const services = (labels[`${COMPOSE}.depends_on`] ?? '').split(',').map((entry) => entry.split(':')[0] ?? '');
  return project === undefined ? [] : services.filter((one) => one !== '').map((one) => `${one}/${project}`);
}

/** What one start came to; error undefined: it runs. */
export interface Started {
  name: string;
  error?: unknown;
}

export interface BootOptions {
  /** How long to wait for the network to be there, in milliseconds; not longer than it takes. */
  patience?: number;
  abort?: AbortSignal;
  /** Called with each container when it runs, or can't. */
  told?: (started: Started) => void;
}

/** The containers that are to be started now, oldest first. What runs already is not among them. */
function waiting(store: Store): ContainerRecord[] {
  return chosen(store, (record, state) => !isRunning(state) && wantsStart(record, state));
}

/** Those that would be started if the machine lost its power now. */
export function startingNext(store: Store): ContainerRecord[] {
  return chosen(store, (record, state) =>
    wantsStart(record, isRunning(state) ? { ...state, exitCode: POWER_CUT } : state),
  );
}

/** What a container ended with whose end nobody saw (container/state.ts). */
const POWER_CUT = 255;

function chosen(
  store: Store,
  isMeant: (record: ContainerRecord, state: State | undefined) => boolean,
): ContainerRecord[] {
  return listContainers(store)
    .filter((record) => isMeant(record, readState(store, record.id)))
    .sort((a, b) => (a.created < b.created ? -1 : 1));
}

/**
 * Starts them, a few at a time, each after those that it needs; one whose needs could not be met is tried all the same,
 * as Docker does. Their monitors are in a scope of their own, so that they outlive the unit that starts them.
 */
export async function startWaiting(store: Store, options: BootOptions = {}): Promise<Started[]> {
  const records = waiting(store);
  if (records.length === 0) return [];
  if (records.some(isNetworked)) await routeAppears(options);
  await ownScope(store.host.uid);
  const slot = slots(availableParallelism() * 2);
  return inOrder(records, (record) =>
    slot(async () => {
      options.abort?.throwIfAborted();
      const started = await attempt(store, record);
      options.told?.(started);
      return started;
    }),
  );
}

async function attempt(store: Store, { id, name }: ContainerRecord): Promise<Started> {
  try {
    const session = await startContainer(store, id);
    session?.leave();
    return { name };
  } catch (error) {
    return { name, error };
  }
}

/** Does ACTION with each record after those that it needs. Of a circle one is first, whichever is met first. */
export async function inOrder<T>(
  records: readonly ContainerRecord[],
  action: (record: ContainerRecord) => Promise<T>,
): Promise<T[]> {
  const named = byEachName(records);
  const begun = new Map<string, Promise<T>>();
  const begin = (record: ContainerRecord, before: readonly string[]): Promise<T> => {
    const known = begun.get(record.id);
    if (known !== undefined) return known;
    const path = [...before, record.id];
    const needs = neededBy(record)
      .flatMap((name) => named.get(name) ?? [])
      .filter(({ id }) => !path.includes(id))
      .map((needed) => begin(needed, path));
    const done = Promise.allSettled(needs).then(() => action(record));
    begun.set(record.id, done);
    return done;
  };
  return Promise.all(records.map((record) => begin(record, [])));
}

function byEachName(records: readonly ContainerRecord[]): Map<string, ContainerRecord[]> {
  const named = new Map<string, ContainerRecord[]>();
  for (const record of records) {
    const { Labels: labels } = record.config;
    const service = `${labels[`${COMPOSE}.service`]}/${labels[`${COMPOSE}.project`]}`;
    for (const name of [record.id, record.name, service]) named.set(name, [...(named.get(name) ?? []), record]);
  }
  return named;
}

/** At most COUNT at work at a time, in the order in which they come. */
function slots(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = [];
  let free = count;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

const isNetworked = ({ hostConfig }: ContainerRecord) =>
  hostConfig.NetworkMode !== 'none' && !hostConfig.NetworkMode.startsWith('container:');

/** A user's units can't wait for the system's; pasta copies the routes that are there when it starts. */
export async function routeAppears({ patience = 0, abort }: BootOptions): Promise<void> {
  const deadline = Date.now() + patience;
  while (!hasRoute() && Date.now() < deadline)
    await sleep(200, undefined, abort === undefined ? {} : { signal: abort });
}

/** proc_net(5): a default route has the destination 0; IPv6's has a prefix of 0 and is not the loopback's. */
function hasRoute(): boolean {
  const old = readText('/proc/net/route') ?? '';
  const six = readText('/proc/net/ipv6_route') ?? '';
  return /^\S+\t00000000\t/m.test(old) || six.split('\n').some((line) => /^0{32} 00 /.test(line) && !/ lo$/.test(line));
}
