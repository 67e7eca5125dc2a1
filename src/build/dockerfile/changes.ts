/**
 * `--change` of commit and import: what instructions make of an image's settings without a build, by the rules and in
 * the words of Docker's older builder (moby, builder/dockerfile), which lacks variables of ARG and reads ports its own way.
 */
import { posix } from 'node:path';
import { splitVariable, variables } from '#build/dockerfile/environment.ts';
import { wrong } from '#build/dockerfile/fault.ts';
import { setVariable } from '#build/dockerfile/image.ts';
import { type Instruction, type InstructionOf, type Meaning, readInstruction } from '#build/dockerfile/instructions.ts';
import { parseDockerfile } from '#build/dockerfile/parse.ts';
import { isSignalNumber } from '#build/dockerfile/text.ts';
import { lex } from '#build/dockerfile/words.ts';
import type { ContainerDefaults } from '#oci/manifest.ts';

interface ApplyOptions {
  /** Throws for what is no signal. */
  checkSignal: (text: string) => void;
}

/** Applies lines as in a Dockerfile, one after the other; the settings themselves stay. Throws kind `invalid` in Docker's words. */
export function applyChanges<T extends ContainerDefaults>(
  settings: T,
  changes: readonly string[],
  { checkSignal }: ApplyOptions,
): T {
  if (changes.length === 0) return settings;
  const { lines, token } = parseDockerfile(changes.join('\n'));
  const instructions = lines.map((line) => {
    if (!Object.hasOwn(EFFECTS, line.name.toLowerCase())) throw wrong(`${line.name} is not a valid change command`);
    return readInstruction(line);
  });
  let changed = settings;
  let hasCmd = false;
  for (const instruction of instructions) {
    const env = variables((changed.Env ?? []).map(splitVariable));
    const expand = (word: string) => lex(word, env, { token }).text;
    const split = (word: string) => lex(word, env, { token }).words;
    const apply = EFFECTS[instruction.kind] as Effect<Instruction> | undefined;
    changed = { ...changed, ...apply?.(instruction, { settings: changed, expand, split, checkSignal, hasCmd }) };
    hasCmd ||= instruction.kind === 'cmd' && instruction.args.length > 0;
  }
  return changed;
}

interface Surroundings {
  settings: ContainerDefaults;
  expand: (word: string) => string;
  split: (word: string) => string[];
  checkSignal: (text: string) => void;
  /** A CMD was among the instructions before. */
  hasCmd: boolean;
}

type Effect<Given> = (instruction: Given, surroundings: Surroundings) => ContainerDefaults;

const EFFECTS: { [Kind in Meaning['kind']]?: Effect<InstructionOf<Kind>> } = {
  cmd: (instruction, { settings }) => ({ Cmd: commandLine(instruction, settings) }),
  entrypoint: (instruction, { settings, hasCmd }) => {
    const words = commandLine(instruction, settings);
    // A command that came with the image was meant for another entrypoint.
    return { Entrypoint: words.length === 0 ? null : words, ...(hasCmd ? {} : { Cmd: null }) };
  },
  env: ({ pairs }, { settings, expand }) => {
    const changed = { Env: settings.Env ?? [] };
    const expanded = pairs.map(({ key, value }) => [expand(key), expand(value)] as const);
    for (const [key, value] of expanded) setVariable(changed, key, value);
    return changed;
  },
  label: ({ pairs }, { settings, expand }) => ({
    Labels: {
      ...settings.Labels,
      ...Object.fromEntries(pairs.map(({ key, value }) => [expand(key), expand(value)])),
    },
  }),
  expose: ({ values }, { settings, split }) => {
    const ports = values.flatMap(split).flatMap(exposedPorts);
    return { ExposedPorts: { ...settings.ExposedPorts, ...asSet(ports) } };
  },
  healthcheck: ({ health }) => ({ Healthcheck: health }),
  onbuild: ({ expression }, { settings }) => ({ OnBuild: [...(settings.OnBuild ?? []), expression] }),
  stopsignal: ({ value }, { expand, checkSignal }) => {
    const signal = expand(value);
    if (!isSignalNumber(signal)) checkSignal(signal);
    return { StopSignal: signal };
  },
  user: ({ value }, { expand }) => ({ User: expand(value) }),
  volume: ({ values }, { settings, expand }) => {
    const paths = values.map(expand);
    if (paths.includes('')) throw wrong('VOLUME specified can not be an empty string');
    return { Volumes: { ...settings.Volumes, ...asSet(paths) } };
  },
  workdir: ({ value }, { settings, expand }) => {
    const path = expand(value);
    if (path === '') throw wrong('cannot normalize nothing');
    const absolute = path.startsWith('/') ? path : posix.join('/', settings.WorkingDir ?? '', path);
    return { WorkingDir: posix.join(absolute, '.').replace(/(?<=.)\/$/, '') };
  },
};

/** The words of a JSON array; a line for the shell else. */
function commandLine({ args, shell }: InstructionOf<'cmd' | 'entrypoint'>, settings: ContainerDefaults): string[] {
  if (!shell) return args;
  return [...(settings.Shell?.length ? settings.Shell : ['/bin/sh', '-c']), ...args];
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
