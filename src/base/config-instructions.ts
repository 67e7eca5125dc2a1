/**
 * What instructions make of an image's settings: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL,
 * USER, VOLUME and WORKDIR, by the rules and in the words of Docker's builder (moby, builder/dockerfile). Pure.
 */
import { posix } from 'node:path';
import type { HealthConfig } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { type Instruction, parseInstructions } from '#base/instructions.ts';
import { expandWord, expandWords } from '#base/shell-words.ts';
import { parseDuration } from '#base/units.ts';

/** The settings that instructions change, as they stand in a container and in an image. */
export interface Settings {
  User?: string;
  ExposedPorts?: Record<string, object>;
  Env?: string[] | null;
  Cmd?: string[] | null;
  Entrypoint?: string[] | null;
  Healthcheck?: HealthConfig;
  Volumes?: Record<string, object> | null;
  WorkingDir?: string;
  Labels?: Record<string, string> | null;
  StopSignal?: string;
  OnBuild?: string[] | null;
  Shell?: string[] | null;
}

export interface ApplyOptions {
  token?: string;
  /** Throws for what is no signal. */
  checkSignal: (text: string) => void;
}

const wrong = (message: string) => new WherryError('invalid', message);

/**
 * `--change` of commit and import: lines as in a Dockerfile, applied one after the other to settings, which stay.
 * Throws kind `invalid` in Docker's words.
 */
export function applyChanges<T extends Settings>(settings: T, changes: readonly string[], options: ApplyOptions): T {
  if (changes.length === 0) return settings;
  const { instructions, token } = parseInstructions(changes.join('\n'));
  for (const instruction of instructions) {
    if (!Object.hasOwn(EFFECTS, instruction.name.toLowerCase())) {
      throw wrong(`${instruction.name} is not a valid change command`);
    }
    checkArguments(instruction);
  }
  return applyInstructions(settings, instructions, { ...options, token });
}

/** Applies instructions that only concern settings. Throws kind `invalid` in Docker's words. */
function applyInstructions<T extends Settings>(
  settings: T,
  instructions: readonly Instruction[],
  { token = '\\', checkSignal }: ApplyOptions,
): T {
  let changed = settings;
  let hasCmd = false;
  for (const instruction of instructions) {
    const env = changed.Env ?? [];
    const variables = (name: string) => env.findLast((entry) => nameOf(entry) === name)?.slice(name.length + 1);
    const effect = EFFECTS[instruction.name.toLowerCase()];
    const expand = (word: string) => expandWord(word, variables, token);
    const split = (word: string) => expandWords(word, variables, token);
    changed = { ...changed, ...effect?.(instruction, { settings: changed, expand, split, checkSignal, hasCmd }) };
    hasCmd ||= instruction.name.toLowerCase() === 'cmd' && instruction.args.length > 0;
  }
  return changed;
}

const nameOf = (entry: string) => entry.split('=', 1)[0] ?? '';

interface Surroundings {
  settings: Settings;
  expand: (word: string) => string;
  split: (word: string) => string[];
  checkSignal: (text: string) => void;
  /** A CMD was among the instructions before. */
  hasCmd: boolean;
}

type Effect = (instruction: Instruction, surroundings: Surroundings) => Settings;

/** How many arguments each needs. */
const EXACTLY_ONE = new Set(['STOPSIGNAL', 'USER', 'WORKDIR']);
const ANY = new Set(['CMD', 'ENTRYPOINT']);

function checkArguments({ name, args, flags }: Instruction): void {
  const upper = name.toUpperCase();
  if (EXACTLY_ONE.has(upper) && args.length !== 1) throw wrong(`${upper} requires exactly one argument`);
  if (!ANY.has(upper) && args.length === 0) throw wrong(`${upper} requires at least one argument`);
  if (upper === 'HEALTHCHECK') return;
  for (const flag of flags) throw wrong(`unknown flag: ${nameOf(flag)}`);
  if ((upper === 'ENV' || upper === 'LABEL') && args.some((word, at) => at % 2 === 0 && word === '')) {
    throw wrong(`${upper} names can not be blank`);
  }
}

const EFFECTS: Readonly<Record<string, Effect>> = {
  cmd: (instruction, { settings }) => ({ Cmd: commandLine(instruction, settings) }),
  entrypoint: (instruction, { settings, hasCmd }) => {
    const words = commandLine(instruction, settings);
    // A command that came with the image was meant for another entrypoint.
    return { Entrypoint: words.length === 0 ? null : words, ...(hasCmd ? {} : { Cmd: null }) };
  },
  env: ({ args }, { settings, expand }) => ({ Env: withVariables(settings.Env ?? [], pairs(args.map(expand))) }),
  label: ({ args }, { settings, expand }) => ({
    Labels: { ...settings.Labels, ...Object.fromEntries(pairs(args.map(expand))) },
  }),
  expose: ({ args }, { settings, split }) => {
    const ports = args.toSorted().flatMap(split).flatMap(exposedPorts);
    return { ExposedPorts: { ...settings.ExposedPorts, ...asSet(ports) } };
  },
  healthcheck: (instruction) => ({ Healthcheck: healthcheck(instruction) }),
  onbuild: ({ args: [trigger = ''], original }, { settings }) => {
    refuseTrigger(trigger.toUpperCase());
    return { OnBuild: [...(settings.OnBuild ?? []), original.replace(/^\s*ONBUILD\s*/i, '')] };
  },
  stopsignal: ({ args: [text = ''] }, { expand, checkSignal }) => {
    const signal = expand(text);
    checkSignal(signal);
    return { StopSignal: signal };
  },
  user: ({ args: [text = ''] }, { expand }) => ({ User: expand(text) }),
  volume: ({ args }, { settings, expand }) => {
    const paths = args.map((path) => expand(path.trim()));
    if (paths.includes('')) throw wrong('VOLUME specified can not be an empty string');
    return { Volumes: { ...settings.Volumes, ...asSet(paths) } };
  },
  workdir: ({ args: [text = ''] }, { settings, expand }) => {
    const path = expand(text);
    if (path === '') throw wrong('cannot normalize nothing');
    const absolute = path.startsWith('/') ? path : posix.join('/', settings.WorkingDir ?? '', path);
    return { WorkingDir: posix.join(absolute, '.').replace(/(?<=.)\/$/, '') };
  },
};

/** The words of a JSON array; a line for the shell else. */
function commandLine({ args, json }: Instruction, { Shell: shell }: Settings): string[] {
  return json ? args : [...(shell?.length ? shell : ['/bin/sh', '-c']), ...args];
}

function pairs(args: readonly string[]): [name: string, value: string][] {
  return args.flatMap((name, at) => (at % 2 === 0 ? [[name, args[at + 1] ?? '']] : []));
}

/** One that is there already keeps its place. */
function withVariables(env: readonly string[], added: readonly (readonly [string, string])[]): string[] {
  const changed = [...env];
  for (const [name, value] of added) {
    const at = changed.findIndex((entry) => nameOf(entry) === name);
    changed.splice(at < 0 ? changed.length : at, 1, `${name}=${value}`);
  }
  return changed;
}

const asSet = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, {}]));

/** `80`, `80/udp`, `8000-8010`; of `-p`'s form only the container's side counts. */
function exposedPorts(text: string): string[] {
  const inside = text.slice(text.lastIndexOf(':') + 1);
  const [range = '', protocol = ''] = inside.split('/');
  if (range === '') throw wrong(`No port specified: ${text}<empty>`);
  const name = (protocol || 'tcp').toLowerCase();
  if (!['tcp', 'udp', 'sctp'].includes(name)) throw wrong(`Invalid proto: ${protocol}`);
  const [first, last = first] = range.split('-').map((digits) => (/^\d+$/.test(digits) ? Number(digits) : Number.NaN));
  if (first === undefined || last === undefined || !(first <= last && last <= 65535) || range.split('-').length > 2) {
    throw wrong(`Invalid containerPort: ${range}`);
  }
  return Array.from({ length: last - first + 1 }, (_, at) => `${first + at}/${name}`);
}

function refuseTrigger(trigger: string): void {
  if (trigger === 'ONBUILD') throw wrong("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (trigger === 'MAINTAINER' || trigger === 'FROM') throw wrong(`${trigger} isn't allowed as an ONBUILD trigger`);
}

function healthcheck({ args: [word = '', ...command], flags, json }: Instruction): HealthConfig {
  const type = word.toUpperCase();
  if (type === 'NONE') {
    if (command.length > 0) throw wrong('HEALTHCHECK NONE takes no arguments');
    return { Test: ['NONE'] };
  }
  const given = readHealthFlags(flags);
  if (type !== 'CMD') throw wrong(`Unknown type ${JSON.stringify(type)} in HEALTHCHECK (try CMD)`);
  if (command.length === 0) throw wrong('Missing command after HEALTHCHECK CMD');
  const times = Object.entries(INTERVALS).flatMap(([name, key]) => {
    const time = interval(name, given.get(name) ?? '');
    return time === 0 ? [] : [[key, time]];
  });
  const retries = readRetries(given.get('retries') ?? '');
  return {
    Test: [json ? 'CMD' : 'CMD-SHELL', ...command],
    ...Object.fromEntries(times),
    ...(retries === 0 ? {} : { Retries: retries }),
  };
}

const INTERVALS = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
} as const;

function readHealthFlags(flags: readonly string[]): Map<string, string> {
  const given = new Map<string, string>();
  for (const flag of flags) {
    const [, name = '', value] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(flag) ?? [];
    if (name !== 'retries' && !Object.hasOwn(INTERVALS, name)) throw wrong(`unknown flag: --${name}`);
    if (given.has(name)) throw wrong(`duplicate flag specified: --${name}`);
    if (value === undefined) throw wrong(`missing a value on flag: --${name}`);
    given.set(name, value);
  }
  return given;
}

function interval(name: string, text: string): number {
  const nanoseconds = text === '' ? 0 : parseDuration(text);
  if (nanoseconds === 0 || nanoseconds >= 1e6) return nanoseconds;
  throw wrong(`Interval ${JSON.stringify(name)} cannot be less than 1ms`);
}

function readRetries(text: string): number {
  if (text === '') return 0;
  if (!/^[+-]?\d+$/.test(text)) throw wrong(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (Math.abs(Number(text)) >= 2 ** 31) {
    throw wrong(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  }
  if (Number(text) < 0) throw wrong(`--retries cannot be negative (${Number(text)})`);
  return Number(text);
}
