/** --log-driver and --log-opt: what the monitor is told about a container's log. Docker's json-file driver is ours. */
import { WherryError } from '#base/error.ts';
import { shortId } from '#base/text.ts';
import type { ContainerRecord } from '#container/record.ts';
import type { Store } from '#store/store.ts';

/** How a log is kept. */
export interface LogPlan {
  path: string;
  /** Bytes after which the file is rotated; -1: never. */
  maxSize: number;
  /** How many files are kept, the newest included. */
  maxFile: number;
  /** What each line carries as `attrs`. */
  attributes: Record<string, string> | undefined;
}

/** The file that `docker inspect` shows as LogPath; rotated ones have .1, .2 … behind the name. */
export function logPath(store: Store, id: string): string {
  return store.path('containers', id, `${id}-json.log`);
}

/**
 * Reads a container's log options; undefined when nothing is logged (--log-driver none).
 * Throws kind `unavailable` in Docker's words for values that make no sense, `unsupported` for another driver.
 */
export function planLog(store: Store, record: ContainerRecord): LogPlan | undefined {
  const { Type: driver, Config: options } = record.hostConfig.LogConfig;
  if (driver === 'none') return undefined;
  if (driver !== '' && driver !== 'json-file' && driver !== 'local') {
    throw new WherryError('unsupported', `Cannot log with the driver "${driver}": there are json-file, local and none`);
  }
  const maxSize = readSize(options['max-size']);
  const maxFile = readCount(options['max-file']);
  if (options.compress !== undefined && options.compress !== 'false')
    refuseCompression(options.compress, maxFile, maxSize);
  return { path: logPath(store, record.id), maxSize, maxFile, attributes: logAttributes(record, options) };
}

function refuse(reason: string): WherryError {
  return new WherryError(
    'unavailable',
    `failed to create task for container: failed to initialize logging driver: ${reason}`,
  );
}

const POWERS = ['', 'k', 'm', 'g', 't', 'p'];

/** units.FromHumanSize: powers of 1000. */
function readSize(text: string | undefined): number {
  if (text === undefined || text === '-1') return -1;
  const match = /^(\d+\.?\d*|\.\d+) ?([kmgtp]?)(?:i?b)?$/i.exec(text);
  const size = Math.trunc(Number(match?.[1]) * 1000 ** POWERS.indexOf((match?.[2] ?? '').toLowerCase()));
  if (match === null) throw refuse(`invalid size: '${text}'`);
  if (size <= 0) throw refuse('max-size must be a positive number');
  return size;
}

function readCount(text: string | undefined): number {
  if (text === undefined) return 1;
  if (!/^[+-]?\d+$/.test(text)) throw refuse(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (Number(text) < 1) throw refuse('max-file cannot be less than 1');
  return Number(text);
}

function refuseCompression(text: string, maxFile: number, maxSize: number): void {
  if (!/^(1|t|true)$/i.test(text)) {
    if (/^(0|f|false)$/i.test(text)) return;
    throw refuse(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  if (maxFile < 2 || maxSize < 0)
    throw refuse('compress cannot be true when max-file is less than 2 or max-size is not set');
  throw new WherryError('unsupported', 'Cannot compress rotated logs: wherry keeps them as they are', {
    hint: 'Leave out --log-opt compress',
  });
}

/** labels, labels-regex, env, env-regex and tag (loggerutils.ParseLogTag, logger.Info.ExtraAttributes). */
function logAttributes(record: ContainerRecord, options: Record<string, string>): Record<string, string> | undefined {
  const attributes: Record<string, string> = {};
  const { Labels: labels, Env: env } = record.config;
  add(attributes, Object.entries(labels), options.labels, options['labels-regex']);
  add(
    attributes,
    env.map((line): [string, string] => [line.replace(/=.*/s, ''), line.replace(/^[^=]*=?/s, '')]),
    options.env,
    options['env-regex'],
  );
  if (options.tag) attributes.tag = expandTag(options.tag, record);
  const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.length === 0 ? undefined : Object.fromEntries(sorted);
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

function expression(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (cause) {
    throw new WherryError('unavailable', `failed to create task for container: error parsing regexp: ${pattern}`, {
      cause,
    });
  }
}

function expandTag(tag: string, record: ContainerRecord): string {
  const fields: Record<string, string> = {
    ID: record.id.slice(0, 12),
    FullID: record.id,
    Name: record.name,
    ImageID: shortId(record.image.id),
    ImageFullID: record.image.id,
    ImageName: record.image.reference,
    Command: [record.path, ...record.args].join(' '),
    DaemonName: 'docker',
  };
  return tag.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (_all, name: string) => {
    const value = fields[name];
    if (value === undefined)
      throw refuse(`template: log-tag: can't evaluate field ${name} in type *loggerutils.Context`);
    return value;
  });
}
