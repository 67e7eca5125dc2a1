/**
 * Instructions with their meaning: what each takes, and what it refuses, in the words of BuildKit's package
 * `instructions`. Variables are still in them. Pure.
 */
import type { HealthConfig } from '#base/api.ts';
import { quote } from '#base/go-quote.ts';
import { INSTRUCTIONS } from '#build/dockerfile/arguments.ts';
import { placed, wrong } from '#build/dockerfile/fault.ts';
import { type FlagKinds, readFlags } from '#build/dockerfile/flags.ts';
import { readHealthcheck } from '#build/dockerfile/healthcheck.ts';
import { chompContent, heredocOf } from '#build/dockerfile/heredoc.ts';
import { checkMounts, readDevice } from '#build/dockerfile/mount.ts';
import type { Line } from '#build/dockerfile/parse.ts';
import { suggestion, trim } from '#build/dockerfile/text.ts';
import type { Place } from '#build/vertex.ts';

interface Common {
  /** As it is written. */
  name: string;
  /** The whole of it as it is written, continuations joined. */
  code: string;
  place: Place;
  comments: readonly string[];
}

interface Pair {
  key: string;
  value: string;
  /** `NAME value`, without `=`. */
  legacy: boolean;
}

export interface ArgPair {
  key: string;
  value: string | undefined;
  /** What the comment above says about it. */
  description: string;
}

/** ADD and COPY. */
interface Transfer {
  sources: string[];
  /** Heredocs. */
  contents: { name: string; data: string; expand: boolean }[];
  target: string;
  chown: string;
  chmod: string;
  link: boolean;
  exclude: string[];
  from: string;
  parents: boolean;
  checksum: string;
  /** Undefined where the flag is not given. */
  keepGitDir: boolean | undefined;
  unpack: boolean | undefined;
}

/** A command line: words, or a text for the shell. */
interface CommandLine {
  args: string[];
  shell: boolean;
}

export interface Run extends CommandLine {
  /** `--mount`, as written: variables are put in before they are read. */
  mounts: string[];
  network: 'default' | 'none' | 'host';
  security: 'sandbox' | 'insecure';
  devices: { name: string; required: boolean }[];
  heredocs: { name: string; data: string; chomp: boolean }[];
}

interface From {
  base: string;
  /** In lower case; '' without one. */
  as: string;
  platform: string;
  description: string;
}

type Of<Kinds extends string, About> = Kinds extends string ? { kind: Kinds } & About : never;

export type Meaning =
  | Of<'add' | 'copy', Transfer>
  | Of<'run', Run>
  | Of<'from', From>
  | Of<'arg', { pairs: ArgPair[] }>
  | Of<'env' | 'label', { pairs: Pair[] }>
  | Of<'cmd' | 'entrypoint', CommandLine>
  | Of<'expose' | 'volume' | 'shell', { values: string[] }>
  | Of<'maintainer' | 'stopsignal' | 'user' | 'workdir', { value: string }>
  | Of<'onbuild', { expression: string }>
  | Of<'healthcheck', { health: HealthConfig }>;

export type Instruction = Common & Meaning;
export type InstructionOf<Kind extends Meaning['kind']> = Common & Extract<Meaning, { kind: Kind }>;

/** Throws DockerfileError, with the line's place. */
export function readInstruction(line: Line): Instruction {
  const { name, place, comments, original } = line;
  const key = name.toLowerCase();
  const read = Object.hasOwn(READERS, key) ? READERS[key] : undefined;
  return placed(place, () => {
    if (read === undefined) {
      throw wrong(`unknown instruction: ${name}${suggestion(name, INSTRUCTIONS, false)}`, name);
    }
    return { name, code: trim(original), place, comments, ...read(line) };
  });
}

const atLeastOne = (name: string) => wrong(`${name} requires at least one argument`);
const exactlyOne = (name: string) => wrong(`${name} requires exactly one argument`);

/** What the comment of a stage or argument says: `# name what it is`. */
function descriptionOf(comments: readonly string[], name: string): string {
  const line = name === '' ? undefined : comments.find((comment) => comment.startsWith(`${name} `));
  return line?.slice(name.length + 1) ?? '';
}

const readTransfer =
  (kind: 'add' | 'copy'): Reader =>
  (line) => {
    const name = kind.toUpperCase();
    if (line.args.length < 2) {
      const why = 'but only one was provided. Destination could not be determined';
      throw wrong(`${name} requires at least two arguments, ${why}`);
    }
    const flags = readFlags(line.flags, kind === 'add' ? ADD_FLAGS : COPY_FLAGS);
    const target = line.args.at(-1) ?? '';
    if (heredocOf(target) !== undefined) throw wrong(`${name} cannot accept a heredoc as a destination`);
    const { sources, contents } = readSources(line);
    return {
      kind,
      sources,
      contents,
      target,
      chown: flags.text('chown'),
      chmod: flags.text('chmod'),
      link: flags.bool('link') ?? false,
      exclude: flags.list('exclude'),
      from: flags.text('from'),
      parents: flags.bool('parents') ?? false,
      checksum: flags.text('checksum'),
      keepGitDir: flags.bool('keep-git-dir'),
      unpack: flags.bool('unpack'),
    };
  };

const ADD_FLAGS: FlagKinds = {
  chown: 'text',
  chmod: 'text',
  link: 'bool',
  'keep-git-dir': 'bool',
  checksum: 'text',
  unpack: 'bool',
  exclude: 'list',
};
const COPY_FLAGS: FlagKinds = {
  chown: 'text',
  from: 'text',
  chmod: 'text',
  link: 'bool',
  exclude: 'list',
  parents: 'bool',
};

function readSources({ args, heredocs }: Line): Pick<Transfer, 'sources' | 'contents'> {
  const sources: string[] = [];
  const contents: Transfer['contents'] = [];
  for (const word of args.slice(0, -1)) {
    const heredoc = heredocOf(word);
    if (heredoc === undefined) {
      sources.push(word);
      continue;
    }
    const content = heredocs.findLast(({ name }) => name === heredoc.name)?.content ?? '';
    const data = heredoc.chomp ? chompContent(content) : content;
    contents.push({ name: heredoc.name, data, expand: heredoc.expand });
  }
  return { sources, contents };
}

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

function readFrom({ args, flags, comments }: Line): Meaning {
  const [base = '', keyword = '', written = ''] = args;
  const hasName = args.length === 3 && keyword.toLowerCase() === 'as';
  const as = hasName ? written.toLowerCase() : '';
  if (hasName && !STAGE_NAME.test(as)) {
    const why = "name can't start with a number or contain symbols";
    throw wrong(`invalid name for build stage: ${quote(written)}, ${why}`, written);
  }
  if (!hasName && args.length !== 1) throw wrong('FROM requires either one or three arguments');
  const platform = readFlags(flags, { platform: 'text' }).text('platform');
  return { kind: 'from', base, as, platform, description: descriptionOf(comments, as) };
}

function readArg({ args, comments }: Line): Meaning {
  if (args.length === 0) throw atLeastOne('ARG');
  const pairs = args.map((word) => {
    const at = word.indexOf('=');
    if (at === 0) throw wrong('ARG names can not be blank');
    const key = at < 0 ? word : word.slice(0, at);
    return { key, value: at < 0 ? undefined : word.slice(at + 1), description: descriptionOf(comments, key) };
  });
  return { kind: 'arg', pairs };
}

const readPairs =
  (kind: 'env' | 'label'): Reader =>
  ({ args, flags }) => {
    readFlags(flags, {});
    if (args.length === 0) throw atLeastOne(kind.toUpperCase());
    const pairs = args.flatMap((key, at) =>
      at % 3 === 0 ? [{ key, value: args[at + 1] ?? '', legacy: args[at + 2] !== '=' }] : [],
    );
    if (pairs.some(({ key }) => key === '')) throw wrong(`${kind.toUpperCase()} names can not be blank`);
    return { kind, pairs };
  };

function readCommandLine({ args, json }: Line): CommandLine {
  return { args: json || args.length === 0 ? args : [args.join(' ')], shell: !json };
}

function readRun(line: Line): Meaning {
  const flags = readFlags(line.flags, { mount: 'list', network: 'text', security: 'text', device: 'list' });
  const devices = flags.list('device').map(readDevice);
  const mounts = flags.list('mount');
  checkMounts(mounts);
  const network = flags.text('network', 'default');
  if (network !== 'default' && network !== 'none' && network !== 'host') {
    throw wrong(`invalid network mode ${quote(network)}`, network);
  }
  const security = flags.text('security', 'sandbox');
  if (security !== 'sandbox' && security !== 'insecure')
    throw wrong(`security ${quote(security)} is not valid`, security);
  const heredocs = line.heredocs.map(({ name, content, chomp }) => ({ name, data: content, chomp }));
  return { kind: 'run', ...readCommandLine(line), mounts, network, security, devices, heredocs };
}

const readCommand =
  (kind: 'cmd' | 'entrypoint'): Reader =>
  (line) => {
    readFlags(line.flags, {});
    return { kind, ...readCommandLine(line) };
  };

function readShell({ args, flags, json }: Line): Meaning {
  readFlags(flags, {});
  if (args.length === 0) throw atLeastOne('SHELL');
  if (!json) throw wrong('SHELL requires the arguments to be in JSON form');
  return { kind: 'shell', values: args };
}

function readExpose({ args, flags }: Line): Meaning {
  if (args.length === 0) throw atLeastOne('EXPOSE');
  readFlags(flags, {});
  return { kind: 'expose', values: args.toSorted() };
}

function readVolume({ args, flags }: Line): Meaning {
  if (args.length === 0) throw atLeastOne('VOLUME');
  readFlags(flags, {});
  const values = args.map(trim);
  if (values.includes('')) throw wrong('VOLUME specified can not be an empty string');
  return { kind: 'volume', values };
}

const readSingle =
  (kind: 'maintainer' | 'stopsignal' | 'user' | 'workdir'): Reader =>
  ({ args, flags }) => {
    const [value = ''] = args;
    if (args.length !== 1) throw exactlyOne(kind.toUpperCase());
    // BuildKit doesn't look at the flags of STOPSIGNAL.
    if (kind !== 'stopsignal') readFlags(flags, {});
    return { kind, value };
  };

function readOnbuild({ args, flags, original, heredocs }: Line): Meaning {
  const [first] = args;
  if (first === undefined) throw atLeastOne('ONBUILD');
  readFlags(flags, {});
  const trigger = trim(first).toUpperCase();
  if (trigger === 'ONBUILD') throw wrong("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (trigger === 'MAINTAINER' || trigger === 'FROM') throw wrong(`${trigger} isn't allowed as an ONBUILD trigger`);
  const text = original.replace(/^\s*ONBUILD\s*/i, '');
  return { kind: 'onbuild', expression: text + heredocs.map(({ name, content }) => `\n${content}${name}`).join('') };
}

type Reader = (line: Line) => Meaning;

const READERS: Readonly<Record<string, Reader>> = {
  add: readTransfer('add'),
  arg: readArg,
  cmd: readCommand('cmd'),
  copy: readTransfer('copy'),
  entrypoint: readCommand('entrypoint'),
  env: readPairs('env'),
  expose: readExpose,
  from: readFrom,
  healthcheck: (line) => ({ kind: 'healthcheck', health: readHealthcheck(line) }),
  label: readPairs('label'),
  maintainer: readSingle('maintainer'),
  onbuild: readOnbuild,
  run: readRun,
  shell: readShell,
  stopsignal: readSingle('stopsignal'),
  user: readSingle('user'),
  volume: readVolume,
  workdir: readSingle('workdir'),
};
