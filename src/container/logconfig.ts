/** What the monitor is told about a container's log, by its driver and options. */
import { existsSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { parseBool } from '#base/units.ts';
import { expandTag } from '#container/log-tag.ts';
import type { ContainerRecord } from '#container/record.ts';
import type { Store } from '#store/store.ts';
import { findTool } from '#sys/host.ts';

/** How a log is kept. */
export interface LogPlan {
  driver: 'json-file' | 'k8s-file' | 'journald';
  /** The file; the journal's socket. */
  path: string;
  /** Bytes after which the file is rotated; -1: never. */
  maxSize: number;
  /** How many files are kept, the newest included. */
  maxFile: number;
  /** What each line carries as `attrs`. */
  attributes: Record<string, string> | undefined;
  /** gzip, for files that are complete. */
  compressor?: string;
  /** What each entry of the journal carries: lines of NAME=value. */
  fields?: string;
}

/** systemd.io, "Native Journal Protocol". */
const JOURNAL = process.env.WHERRY_JOURNAL ?? '/run/systemd/journal/socket';

/** The file of a driver that keeps one; `inspect` shows it as LogPath. Rotated ones have .1, .2 … behind the name. */
export function logPath(store: Store, id: string): string {
  return store.path('containers', id, `${id}-json.log`);
}

/** The same for a container: k8s-file's may be elsewhere. */
export function logPathOf(store: Store, { id, hostConfig }: Pick<ContainerRecord, 'id' | 'hostConfig'>): string {
  const { Type: driver, Config: options } = hostConfig.LogConfig;
  if (driver !== 'k8s-file') return logPath(store, id);
  return options.path || store.path('containers', id, 'ctr.log');
}

/** Is there a log that can be read? */
export const keepsLog = ({ Type }: ContainerRecord['hostConfig']['LogConfig']): boolean =>
  Type !== 'none' && Type !== 'passthrough';

/**
 * Reads a container's log options; undefined when nothing is logged.
 * Throws kind `unavailable` in Docker's words for values that make no sense.
 */
export function planLog(store: Store, record: ContainerRecord): LogPlan | undefined {
  const { LogConfig } = record.hostConfig;
  if (!keepsLog(LogConfig)) return undefined;
  if (LogConfig.Type === 'journald') return journalPlan(record);
  const driver = LogConfig.Type === 'k8s-file' ? 'k8s-file' : 'json-file';
  const plan = LogConfig.Type === 'local' ? localPlan(LogConfig.Config) : filePlan(LogConfig.Config);
  const path = logPathOf(store, record);
  const attributes = driver === 'json-file' ? logAttributes(record, LogConfig.Config) : undefined;
  return { driver, path, attributes, ...plan };
}

function refuse(reason: string, hint?: string): WherryError {
  return new WherryError(
    'unavailable',
    `failed to create task for container: failed to initialize logging driver: ${reason}`,
    hint === undefined ? {} : { hint },
  );
}

type Files = Pick<LogPlan, 'maxSize' | 'maxFile' | 'compressor'>;
type Options = Record<string, string>;

function filePlan(options: Options): Files {
  const maxSize = readSize(options['max-size']);
  const maxFile = readCount(options['max-file'], 1, (why) => why);
  if (maxFile < 1) throw refuse('max-file cannot be less than 1');
  const compress = readTruth(options.compress, false, (why) => why);
  if (compress && (maxFile < 2 || maxSize < 0)) {
    throw refuse('compress cannot be true when max-file is less than 2 or max-size is not set');
  }
  return { maxSize, maxFile, ...(compress ? { compressor: gzip() } : {}) };
}

/** Docker's driver "local": always rotated, and compressed unless that is not wanted. */
function localPlan(options: Options): Files {
  const bad = (name: string) => (why: string) => `invalid value for ${name}: ${options[name]}: ${why}`;
  const maxSize = readBinarySize(options['max-size'], bad('max-size'));
  const maxFile = readCount(options['max-file'], 5, bad('max-file'));
  const compress = readTruth(options.compress, true, (why) => `error reading compress log option: ${why}`);
  if (maxFile < 2 && compress && (options['max-file'] !== undefined || options.compress !== undefined)) {
    throw refuse('compression cannot be enabled when max file count is 1');
  }
  // What was not asked for in words is done where it can be.
  const tool = compress && maxFile > 1 ? findTool('gzip') : undefined;
  return { maxSize, maxFile: Math.max(maxFile, 1), ...(tool === undefined ? {} : { compressor: tool }) };
}

function gzip(): string {
  const path = findTool('gzip');
  if (path !== undefined) return path;
  throw refuse(
    'gzip is not installed',
    'Install it (Debian, Ubuntu: apt install gzip), or leave out --log-opt compress',
  );
}

const POWERS = ['', 'k', 'm', 'g', 't', 'p'];

function sizeOf(text: string, base: number): number | undefined {
  const match = /^(\d+\.?\d*|\.\d+) ?([kmgtp]?)(?:i?b)?$/i.exec(text);
  return match === null
    ? undefined
    : Math.trunc(Number(match[1]) * base ** POWERS.indexOf((match[2] ?? '').toLowerCase()));
}

/** units.FromHumanSize: powers of 1000. */
function readSize(text: string | undefined): number {
  if (text === undefined || text === '-1') return -1;
  const size = sizeOf(text, 1000);
  if (size === undefined) throw refuse(`invalid size: '${text}'`);
  if (size <= 0) throw refuse('max-size must be a positive number');
  return size;
}

const DEFAULT_LOCAL = 20 * 1000 * 1000;

/** units.RAMInBytes: powers of 1024; 0 is no limit. */
function readBinarySize(text: string | undefined, wrap: (why: string) => string): number {
  if (text === undefined) return DEFAULT_LOCAL;
  const size = sizeOf(text, 1024);
  if (size === undefined) throw refuse(wrap(`invalid size: '${text}'`));
  return size === 0 ? -1 : size;
}

function readCount(text: string | undefined, usual: number, wrap: (why: string) => string): number {
  if (text === undefined) return usual;
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw refuse(wrap(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`));
}

function readTruth(text: string | undefined, usual: boolean, wrap: (why: string) => string): boolean {
  if (text === undefined) return usual;
  const value = parseBool(text);
  if (value !== undefined) return value;
  throw refuse(wrap(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`));
}

/** labels, labels-regex, env, env-regex and tag (loggerutils.ParseLogTag, logger.Info.ExtraAttributes). */
function logAttributes(record: ContainerRecord, options: Options): Record<string, string> | undefined {
  const attributes = extraAttributes(record, options);
  if (options.tag) attributes.tag = tagOf(options.tag, record);
  const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.length === 0 ? undefined : Object.fromEntries(sorted);
}

function extraAttributes({ config }: ContainerRecord, options: Options): Record<string, string> {
  const attributes: Record<string, string> = {};
  const env = config.Env.map((line): [string, string] => [line.replace(/=.*/s, ''), line.replace(/^[^=]*=?/s, '')]);
  add(attributes, Object.entries(config.Labels), options.labels, options['labels-regex']);
  add(attributes, env, options.env, options['env-regex']);
  return attributes;
}

function tagOf(tag: string, record: ContainerRecord): string {
  try {
    return expandTag(tag, record);
  } catch (error) {
    if (error instanceof WherryError) throw refuse(error.message);
    throw error;
  }
}

function add(
  to: Record<string, string>,
  pairs: [string, string][],
  names: string | undefined,
  pattern: string | undefined,
) {
  const wanted = new Set((names ?? '').split(',').filter(Boolean));
  const matching = pattern === undefined || pattern === '' ? undefined : expression(pattern);
  for (const [key, value] of pairs) {
    if (wanted.has(key) || matching?.test(key)) to[key] = value;
  }
}

/** JavaScript's complaints about a regular expression, and Go's. */
const COMPLAINTS: [RegExp, (pattern: string) => string][] = [
  [/Unterminated group/, (pattern) => `missing closing ): \`${pattern}\``],
  [/Unmatched '\)'/, (pattern) => `unexpected ): \`${pattern}\``],
  [/Unterminated character class/, (pattern) => `missing closing ]: \`${pattern.slice(pattern.lastIndexOf('['))}\``],
  [/Nothing to repeat/, (pattern) => `missing argument to repetition operator: \`${/[*+?]+/.exec(pattern)?.[0]}\``],
  [/numbers out of order/, (pattern) => `invalid repeat count: \`${/\{\d+,\d+\}/.exec(pattern)?.[0]}\``],
];

function expression(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (error) {
    const found = COMPLAINTS.find(([complaint]) => complaint.test((error as Error).message));
    throw refuse(`error parsing regexp: ${found?.[1](pattern) ?? `\`${pattern}\``}`);
  }
}

/** The fields that Docker's driver gives each entry, by which `logs` finds it again. */
function journalPlan(record: ContainerRecord): LogPlan {
  if (!existsSync(JOURNAL)) throw refuse('journald is not enabled on this host', `There is no socket "${JOURNAL}"`);
  const { id, name, image, hostConfig } = record;
  const options = hostConfig.LogConfig.Config;
  const tag = tagOf(options.tag || '{{.ID}}', record);
  const extra = Object.entries(extraAttributes(record, options)).map(([key, value]): [string, string] => [
    key
      .toUpperCase()
      .replace(/[^A-Z0-9_]/g, '_')
      .replace(/^_+/, ''),
    value,
  ]);
  const fields: [string, string][] = [
    ['CONTAINER_ID', id.slice(0, 12)],
    ['CONTAINER_ID_FULL', id],
    ['CONTAINER_NAME', name],
    ['CONTAINER_TAG', tag],
    ['IMAGE_NAME', image.reference],
    ['SYSLOG_IDENTIFIER', tag],
    ...extra,
  ];
  const lines = fields.map(([key, value]) => `${key}=${value.replaceAll('\n', ' ')}\n`).join('');
  return { driver: 'journald', path: JOURNAL, maxSize: -1, maxFile: 1, attributes: undefined, fields: lines };
}
