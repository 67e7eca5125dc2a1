/** Containers as `ps` shows them: a row each, worked out field by field as it is asked for. */
import type { PortMap } from '#base/api.ts';
import type { WherryError } from '#base/error.ts';
import { parseNetworkMode } from '#base/network-mode.ts';
import { ellipsis } from '#base/text.ts';
import { ago, humanDuration, humanSize, localTime } from '#base/units.ts';
import { type Health, readHealth } from '#container/health.ts';
import { openListed } from '#container/listed.ts';
import { containerIds, readRecord, tolerant } from '#container/names.ts';
import { displayPorts, listPorts, type Port } from '#container/portview.ts';
import { type ContainerRecord, type NetworkState, type State, shownMounts } from '#container/record.ts';
import { isRunning, readState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { readJson } from '#sys/file.ts';

/** A container and what it is doing. */
export interface Seen {
  record: ContainerRecord;
  /** Absent: never started. */
  state: State | undefined;
  /** Read when first asked for; nothing while it does not run. */
  network(): NetworkState | undefined;
  /** Read when asked for; nothing where the container is not checked. */
  health(): Health | undefined;
}

/** One container with its state. */
export function lookAt(store: Store, record: ContainerRecord): Seen {
  return seenIn(store, record, readState(store, record.id));
}

/** The same where the state is known. */
export function seenIn(store: Store, record: ContainerRecord, state: State | undefined): Seen {
  let known: NetworkState | undefined;
  let asked = false;
  return {
    record,
    state,
    network: () => {
      if (!asked && isRunning(state))
        known = readJson<NetworkState>(store.path('containers', record.id, 'network.json'));
      asked = true;
      return known;
    },
    health: () => readHealth(store, record, state),
  };
}

export interface ListOptions {
  /** Also what does not run. */
  all?: boolean;
  /** Gets what is damaged; the others are listed all the same. */
  corrupt?: (error: WherryError) => void;
  /** Only what the usual columns show is wanted; of the configuration there need be no more than labels and health check. */
  brief?: boolean;
}

/** All containers, newest first. Only the states of those that don't run are read where they are not wanted. */
export function listSeen(
  store: Store,
  { all = false, corrupt = () => undefined, brief = false }: ListOptions = {},
): Seen[] {
  const ids = containerIds(store);
  const listed = all && brief ? openListed(store, ids.length) : undefined;
  const look = (id: string): Seen | undefined => {
    const known = listed?.look(id);
    if (listed !== undefined) return known && seenIn(store, known.record, known.state);
    const state = readState(store, id);
    if (!all && !isRunning(state)) return undefined;
    const record = readRecord(store, id);
    return record === undefined ? undefined : seenIn(store, record, state);
  };
  const seen = ids.map((id) => tolerant(() => look(id), corrupt)).filter((one) => one !== undefined);
  listed?.keep();
  return seen.sort((a, b) => (a.record.created < b.record.created ? 1 : -1));
}

/** Engine API: created, running, paused, restarting, exited. */
export function statusOf(state: State | undefined): State['status'] {
  return state?.status ?? 'created';
}

/** `Up 2 minutes`, `Exited (0) 3 seconds ago`, `Created` (moby, container.State.String). */
export function describeState(state: State | undefined, now = Date.now(), health?: Health['Status']): string {
  if (state === undefined || state.status === 'created') return 'Created';
  const since = (time: string) => humanDuration(now - Date.parse(time));
  if (state.status === 'exited') return `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
  if (state.status === 'restarting') return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
  const shown = health === 'starting' ? 'health: starting' : health;
  const detail = state.status === 'paused' ? 'Paused' : shown;
  return `Up ${since(state.startedAt)}${detail === undefined ? '' : ` (${detail})`}`;
}

/** The path and its arguments, those with a space in quotes, as the daemon says it. */
export function commandLine({ path, args }: ContainerRecord): string {
  return [path, ...args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))].join(' ');
}

/** The container's networks by name. */
export function networkNames({ networks, hostConfig }: ContainerRecord): string[] {
  const names = Object.keys(networks);
  if (names.length > 0) return names.sort();
  const { kind } = parseNetworkMode(hostConfig.NetworkMode);
  return kind === 'container' || kind === 'path' || kind === 'own' ? [] : [kind];
}

/** What a running container has published, and the ports it exposes besides. */
export function portMap(seen: Seen): PortMap {
  const network = seen.network();
  const isReached = Object.values(network?.endpoints ?? {}).some(({ gateway, gateway6 }) => gateway ?? gateway6);
  if (network === undefined || !isReached) return {};
  const exposed = Object.keys(seen.record.config.ExposedPorts ?? {}).map((port) => [port, null] as const);
  return { ...Object.fromEntries(exposed), ...network.ports };
}

export function portsOf(seen: Seen): Port[] {
  return listPorts(portMap(seen));
}

/** Bytes: of the container's own layer, and of its image. */
export interface Size {
  own: number;
  image: number;
}

export interface RowOptions {
  /** Short ids, short commands. */
  truncate: boolean;
  /** The image as it is shown: its name, or its id where the name has gone to another. By itself the name. */
  image?: (record: ContainerRecord) => string;
  /** Measured only where asked for (-s). */
  size?: (record: ContainerRecord) => Size;
}

/** A row with Docker's fields, in the order of `--format json`. */
export function psRow(seen: Seen, { truncate, image, size }: RowOptions) {
  const { record, state } = seen;
  const { Labels: labels } = record.config;
  const short = (text: string, length: number) => (truncate ? ellipsis(text, length) : text);
  const row = {
    get Command() {
      return quote(short(commandLine(record), 20));
    },
    get CreatedAt() {
      return localTime(record.created);
    },
    ID: truncate ? record.id.slice(0, 12) : record.id,
    get Image() {
      return image?.(record) ?? record.image.reference;
    },
    get Labels() {
      return Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .sort()
        .join(',');
    },
    get LocalVolumes() {
      return String(record.mounts.filter((mount) => mount.Driver === 'local').length);
    },
    get Mounts() {
      return shownMounts(record)
        .map((mount) => short(mount.Name || mount.Source, 15))
        .sort()
        .join(',');
    },
    Names: record.name,
    get Networks() {
      return networkNames(record).join(',');
    },
    Platform: null,
    get Ports() {
      return displayPorts(portsOf(seen));
    },
    get RunningFor() {
      return ago(record.created);
    },
    get Size() {
      if (size === undefined) return '0B';
      const { own, image: below } = size(record);
      return `${humanSize(own)} (virtual ${humanSize(own + below)})`;
    },
    State: statusOf(state),
    get Status() {
      return describeState(state, undefined, seen.health()?.Status);
    },
  };
  // {{.Label "key"}}: a method, no field.
  return Object.defineProperty(row, 'Label', { value: (key: string) => labels[key] ?? '', enumerable: false });
}

/** strconv.Quote: printable characters as they are, whatever the script. */
function quote(text: string): string {
  // Nearly all are plain: 500 rows shall not wait for Unicode's tables.
  if (/^[ !#-[\]-~]*…?$/.test(text)) return `"${text}"`;
  const named: Record<string, string> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
  const body = text.replace(/["\\\p{C}\p{Zl}\p{Zp}]/gu, (character) => named[character] ?? escaped(character));
  return `"${body}"`;
}

const CONTROLS = ['\\a', '\\b', '', '', '\\v', '\\f'];

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code >= 7 && code <= 12 && CONTROLS[code - 7]) return CONTROLS[code - 7] ?? '';
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}
