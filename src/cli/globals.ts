/** The flags before the command. Those that name a daemon can't be meant for us, and say so. */
import { WherryError } from '#base/error.ts';
import type { Flags } from '#cli/command.ts';
import { camelCase, type Parsed, parseFlags } from '#cli/parse.ts';
import { boolean, list, text } from '#cli/values.ts';

export const GLOBAL_FLAGS = {
  config: { as: text, summary: 'Location of client config files (default "~/.docker")' },
  context: { short: 'c', as: text, summary: 'Accepted for Docker\'s sake: only "default"', hidden: true },
  debug: { short: 'D', as: boolean, summary: 'Enable debug mode' },
  host: { short: 'H', as: list, summary: 'Refused: there is no daemon to connect to', hidden: true },
  'log-level': {
    short: 'l',
    as: text,
    default: 'info',
    summary: 'Set the logging level ("debug", "info", "warn", "error", "fatal")',
  },
  tls: { as: boolean, summary: 'Refused: there is no daemon to connect to', hidden: true },
  tlscacert: { as: text, summary: 'Refused: there is no daemon to connect to', hidden: true },
  tlscert: { as: text, summary: 'Refused: there is no daemon to connect to', hidden: true },
  tlskey: { as: text, summary: 'Refused: there is no daemon to connect to', hidden: true },
  tlsverify: { as: boolean, summary: 'Refused: there is no daemon to connect to', hidden: true },
  version: { short: 'v', as: boolean, summary: 'Print version information and quit' },
} as const satisfies Flags;

export interface Globals {
  /** The command and all that follows. */
  words: string[];
  help: boolean;
  version: boolean;
  debug: boolean;
  /** --config: where login keeps its secrets. */
  config: string | undefined;
}

const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'trace', 'warning', 'panic'];

/** Flags that would lead to a daemon; what is harmless in them. */
const DAEMON: Record<string, (value: unknown) => boolean> = {
  context: (value) => value === 'default' || value === '',
  host: () => false,
  tls: (value) => value === false,
  tlscacert: () => false,
  tlscert: () => false,
  tlskey: () => false,
  tlsverify: (value) => value === false,
};

/** Reads the flags before the command. Throws kind `invalid` in pflag's words. */
export function parseGlobals(argv: readonly string[]): Parsed {
  return parseFlags(argv, GLOBAL_FLAGS, { interspersed: false, plainHelp: true });
}

/** What they mean. Throws kind `invalid` for a level that is none, `unsupported` for a flag that names a daemon. */
export function checkGlobals({ args, values, given, help }: Parsed): Globals {
  for (const name of given) {
    if (DAEMON[name]?.(values[camelCase(name)]) === false) throw daemonFlag(name);
  }
  const level = values.logLevel as string;
  if (!LEVELS.includes(level)) throw new WherryError('invalid', `Unable to parse logging level: ${level}`);
  return {
    words: args,
    help,
    version: values.version as boolean,
    debug: (values.debug as boolean) || level === 'debug',
    config: values.config as string | undefined,
  };
}

function daemonFlag(name: string): WherryError {
  return new WherryError('unsupported', `Cannot use --${name}: containers run without a daemon that it could lead to`, {
    hint: `Leave --${name} out`,
  });
}
