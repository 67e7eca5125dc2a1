/** --log-driver and --log-opt when a container is made: which there are, and which options each takes (Docker's words). */
import type { HostConfig } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { parseBool, parseBytes } from '#base/units.ts';

/** The options of each driver; what all take is checked before. */
const DRIVERS: Record<string, readonly string[]> = {
  'json-file': ['max-size', 'max-file', 'compress', 'labels', 'labels-regex', 'env', 'env-regex', 'tag'],
  local: ['max-size', 'max-file', 'compress'],
  none: [],
  journald: ['labels', 'labels-regex', 'env', 'env-regex', 'tag'],
  'k8s-file': ['max-size', 'max-file', 'compress', 'path', 'tag'],
  passthrough: [],
};

/** Where logs can go; `none` is no driver, as Docker counts. */
export const LOG_DRIVERS = Object.keys(DRIVERS)
  .filter((name) => name !== 'none')
  .sort();

/** What Docker's daemon sends logs to by itself, over networks: nobody of ours is there to do it. */
const REMOTE = new Set(['syslog', 'gelf', 'fluentd', 'awslogs', 'splunk', 'gcplogs', 'etwlogs', 'logentries']);

const COMMON = /^(mode|max-buffer-size|cache-disabled|cache-max-size|cache-max-file|cache-compress)$/;

const refuse = (message: string, hint?: string) =>
  new WherryError('invalid', message, hint === undefined ? {} : { hint });

/** tty: the container has a terminal. Throws kind `invalid` for a driver that there is not, and for options that it does not take. */
export function checkLogConfig({ Type: type, Config: options }: HostConfig['LogConfig'], tty = false): void {
  const driver = type || 'json-file';
  const known = Object.hasOwn(DRIVERS, driver) ? DRIVERS[driver] : undefined;
  if (known === undefined) throw noDriver(driver);
  if (driver === 'passthrough' && tty) {
    throw refuse(
      "the '--log-driver passthrough' option cannot be used on a TTY",
      'Leave out --tty, or take another driver',
    );
  }
  checkMode(options);
  checkCache(options);
  const unknown = Object.keys(options).find((name) => !COMMON.test(name) && !known.includes(name));
  if (unknown === undefined) return;
  throw refuse(
    driver === 'local'
      ? `unknown log opt '${unknown}' for log driver local`
      : `unknown log opt '${unknown}' for ${driver} log driver`,
  );
}

function noDriver(driver: string): WherryError {
  const known = Object.keys(DRIVERS).join(', ');
  if (REMOTE.has(driver)) {
    return refuse(
      `Cannot log by the driver "${driver}": it sends logs elsewhere over a network, and wherry has no daemon for that`,
      `Log to journald or to a file and have that forwarded; there are ${known}`,
    );
  }
  return refuse(
    `error looking up logging plugin ${driver}: plugin "${driver}" not found`,
    `wherry's drivers are ${known}`,
  );
}

/** Without a daemon in between nothing is ever queued: a file takes each line at once, and the journal takes it or not. */
function checkMode({ mode = '', 'max-buffer-size': size }: Record<string, string>): void {
  if (!['', 'blocking', 'non-blocking'].includes(mode)) throw refuse(`logger: logging mode not supported: ${mode}`);
  if (size === undefined) return;
  if (mode !== 'non-blocking') {
    throw refuse("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
  try {
    parseBytes(size);
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    throw refuse(`error parsing option max-buffer-size: ${error.message}`);
  }
}

/** Docker's copy for drivers that can't be read; all of ours can, so there is none. */
function checkCache(options: Record<string, string>): void {
  const disabled = options['cache-disabled'];
  if (disabled === undefined || parseBool(disabled) !== undefined) return;
  throw refuse(`invalid value for option cache-disabled: ${disabled}`);
}
