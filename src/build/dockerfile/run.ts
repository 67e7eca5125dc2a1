/** RUN: its command line, environment and mounts as a vertex. */
import { posix } from 'node:path';
import { quote } from '#base/go-quote.ts';
import { masked, type Variables } from '#build/dockerfile/environment.ts';
import { wrong } from '#build/dockerfile/fault.ts';
import { asPlaces } from '#build/dockerfile/graph.ts';
import { chompContent, heredocOf } from '#build/dockerfile/heredoc.ts';
import { addHistory } from '#build/dockerfile/image.ts';
import type { InstructionOf, Run } from '#build/dockerfile/instructions.ts';
import { type MountFlag, readMount } from '#build/dockerfile/mount.ts';
import { shownCommand, stepName } from '#build/dockerfile/naming.ts';
import { noteNeeded } from '#build/dockerfile/outline.ts';
import { askContext, contextVertex } from '#build/dockerfile/sources.ts';
import type { Stage } from '#build/dockerfile/stage.ts';
import { documentVertex, type Step, withShell } from '#build/dockerfile/step.ts';
import type { Environment } from '#build/dockerfile/words.ts';
import type { Place, RunMount, RunStep } from '#build/vertex.ts';

export function runCommand(step: Step, instruction: InstructionOf<'run'>): void {
  const { scope, stage, command } = step;
  const { token, showPlatform } = scope;
  const flags = instruction.mounts.map((mount) => readMount(mount, step.expand));
  noteNeeds(stage, flags, instruction.place);
  // It can read every file.
  stage.paths.add('/');
  const inputs = [stage.tree];
  const script = scriptOf(step, instruction, inputs);
  const args = instruction.shell ? withShell(stage, script.args) : script.args;
  const mounts = [...script.mounts, ...withSockets(flags.map((flag, index) => mountOf(step, { flag, index, inputs })))];
  const env = masked(stage.env, secretVariables(flags));
  const platform = stage.platform ?? scope.platform;
  const naming = { stage, platform, env: stage.env, showPlatform, isOnbuild: command.isOnbuild };
  const shown = shownCommand(instruction.code + script.summary, env, { token, rawQuotes: true, skipUnset: true });
  stage.tree = scope.graph.add({
    ...surroundings(step, instruction),
    env: withAgent(stage.env, mounts),
    name: stepName(naming, shown),
    command: shown,
    ...(stage.label === '' ? {} : { stage: stage.label }),
    ...asPlaces(instruction.place),
    inputs,
    platform,
    args,
    mounts,
    ...(stage.ignoreCache ? { ignoreCache: true } : {}),
  });
  const words = [...argumentWords(stage.buildArgs, stage.env), ...args].join(' ');
  addHistory(stage.image, `RUN ${words} # buildkit`, { layer: true, epoch: scope.epoch });
}

function noteNeeds({ notes }: Stage, flags: readonly MountFlag[], place: Place): void {
  for (const { type, id, source, target, required } of flags) {
    if (type === 'secret') noteNeeded(notes.secrets, { name: source || id || posix.basename(target), required, place });
    if (type === 'ssh') noteNeeded(notes.agents, { name: id || 'default', required, place });
  }
}

type Surroundings = Omit<RunStep, 'args' | 'mounts' | 'env'>;

function surroundings({ scope: { request }, stage }: Step, { network, security, devices }: Run): Surroundings {
  const { hosts, ulimits, shmSize, cgroupParent, buildArgs } = request;
  const hostname = buildArgs.BUILDKIT_SANDBOX_HOSTNAME;
  return {
    op: 'run',
    cwd: stage.cwd || '/',
    user: stage.user,
    network: network === 'default' ? request.network : network,
    security,
    proxy: proxyVariables(buildArgs),
    hosts: [...hosts],
    ulimits: [...ulimits],
    devices,
    ...(hostname ? { hostname } : {}),
    ...(shmSize ? { shmSize } : {}),
    ...(cgroupParent ? { cgroupParent } : {}),
  };
}

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];

/** In capitals and small letters, whichever of them was given. */
function proxyVariables(buildArgs: Readonly<Record<string, string>>): Record<string, string> {
  const given = PROXIES.flatMap((name) => {
    const key = Object.keys(buildArgs).find((written) => written.toUpperCase() === name);
    const value = key === undefined ? '' : (buildArgs[key] ?? '');
    return value === '' ? [] : [[name, value] as const];
  });
  return Object.fromEntries(
    given.flatMap(([name, value]) => [
      [name, value],
      [name.toLowerCase(), value],
    ]),
  );
}

interface Script {
  args: string[];
  mounts: RunMount[];
  /** Behind the command where it is shown. */
  summary: string;
}

/** Where heredocs with a `#!` of their own are. */
const PIPES = '/dev/pipes/';

/** What heredocs make of the command line. */
function scriptOf(step: Step, { args, shell, heredocs }: Run, inputs: number[]): Script {
  const [first] = heredocs;
  if (first === undefined) return { args, mounts: [], summary: '' };
  const [text = ''] = args;
  if (args.length !== 1 || !shell) throw wrong(`parsing produced an invalid run command: [${args.join(' ')}]`);
  // More than one, or a command beside it: the shell sees to it.
  if (heredocOf(text) === undefined) {
    const files = heredocs.map(({ name, data }) => `\n${data}${name}`);
    return { args: [text + files.join('')], mounts: [], summary: '' };
  }
  const data = first.chomp ? chompContent(first.data) : first.data;
  const summary = ` (${summarized(first.data)})`;
  if (!first.data.startsWith('#!')) return { args: [data], mounts: [], summary };
  inputs.push(documentVertex(step, { name: first.name, data, mode: 0o755 }));
  const mount: RunMount = { type: 'bind', target: PIPES, input: inputs.length - 1, source: '/', readonly: true };
  return { args: [posix.join(PIPES, first.name)], mounts: [mount], summary };
}

function summarized(data: string): string {
  const lines = data.trim().replaceAll('\r\n', '\n').split('\n');
  return `${lines[0] ?? ''}${lines.length > 1 ? '...' : ''}`;
}

/** In names, secrets are stars, so that it is seen that they are secrets. */
function secretVariables(flags: readonly MountFlag[]): ReadonlyMap<string, string> {
  const names = flags.flatMap(({ type, env }) => (type === 'secret' && env !== undefined ? [env] : []));
  return new Map(names.map((name) => [name, '****']));
}

/** `|2 A=1 B=2` before the command of the history. */
function argumentWords(buildArgs: Step['stage']['buildArgs'], env: Environment): string[] {
  const values = new Map(buildArgs.map(({ key, value }) => [key, env.get(key) ?? value ?? '']));
  return values.size === 0 ? [] : [`|${values.size}`, ...[...values].map(([key, value]) => `${key}=${value}`)];
}

interface Mounted {
  flag: MountFlag;
  /** Which of the instruction's mounts. */
  index: number;
  /** A further one is put behind them. */
  inputs: number[];
}

function mountOf(step: Step, mounted: Mounted): RunMount {
  const { flag } = mounted;
  if (flag.type === 'secret') return secretMount(flag);
  if (flag.type === 'ssh') return sshMount(flag);
  const target = absoluteTarget(step, flag.target);
  if (flag.type === 'tmpfs') return { type: 'tmpfs', target, readonly: flag.readonly, size: flag.size ?? 0 };
  const from = sourceOf(step, mounted);
  const source = posix.join('/', flag.source);
  return {
    type: flag.type,
    target,
    ...(from === undefined ? {} : { input: from }),
    ...(source === '/' ? {} : { source }),
    readonly: flag.readonly,
    ...(flag.type === 'cache' ? cacheOf(step, flag) : {}),
  };
}

/** Undefined for a cache that begins empty. */
function sourceOf(step: Step, { flag, index, inputs }: Mounted): number | undefined {
  const { scope, command } = step;
  const path = posix.join('/', flag.source);
  if (flag.from === '' && flag.type === 'cache') return undefined;
  if (flag.from === '') {
    askContext(scope, '', path);
    inputs.push(contextVertex(scope, ''));
    return inputs.length - 1;
  }
  const source = command.sources[index];
  if (source?.isDispatched !== true) {
    const what = `cannot mount from stage ${quote(flag.from)} to ${quote(flag.target)}`;
    throw wrong(`${what}, stage needs to be defined before current command`);
  }
  source.paths.add(path);
  inputs.push(source.tree);
  return inputs.length - 1;
}

function cacheOf({ scope }: Step, { id, target, sharing = 'shared', uid, gid, mode }: MountFlag): Partial<RunMount> {
  const namespace = scope.request.buildArgs.BUILDKIT_CACHE_MOUNT_NS;
  const own = id || cleanPath(target);
  return { id: namespace ? `${namespace}/${own}` : own, sharing, ...ids({ uid, gid, mode }) };
}

interface Ids {
  uid: number | undefined;
  gid: number | undefined;
  mode: number | undefined;
}

function ids({ uid, gid, mode }: Ids): Partial<RunMount> {
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(mode === undefined ? {} : { mode }),
  };
}

function cleanPath(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/, '');
}

function absoluteTarget({ stage }: Step, written: string): string {
  const target = cleanPath(written).startsWith('/') ? written : cleanPath(posix.join('/', stage.cwd, written));
  if (target === '/') throw wrong(`invalid mount target ${quote(target)}`);
  return target;
}

function secretMount({ id: written, source, target, required, env, uid, gid, mode }: MountFlag): RunMount {
  const id = source || written || posix.basename(target);
  const path = target || (env === undefined ? `/run/secrets/${posix.basename(id)}` : '');
  return {
    type: 'secret',
    target: path,
    readonly: true,
    id,
    required,
    file: path !== '',
    ...(env === undefined ? {} : { env: env || id }),
    ...ids({ uid, gid, mode }),
  };
}

/** An agent's socket without a place of its own has one by its number. */
function withSockets(mounts: readonly RunMount[]): RunMount[] {
  let count = 0;
  return mounts.map((mount) => {
    if (mount.type !== 'ssh') return mount;
    const target = mount.target || `/run/buildkit/ssh_agent.${count}`;
    count += 1;
    return { ...mount, target };
  });
}

/** With the variable that names the first agent's socket. */
function withAgent(env: Variables, mounts: readonly RunMount[]): string[] {
  const agent = mounts.find(({ type }) => type === 'ssh');
  if (agent === undefined || env.get('SSH_AUTH_SOCK') !== undefined) return env.entries();
  return [...env.entries(), `SSH_AUTH_SOCK=${agent.target}`];
}

function sshMount({ id, source, target, required, uid, gid, mode }: MountFlag): RunMount {
  if (source !== '') throw wrong('ssh does not support source');
  const about = { id: id || 'default', required, ...ids({ uid, gid, mode }) };
  return { type: 'ssh', target, readonly: true, ...about };
}
