/** Completion of what may follow a flag, or stand in a place of a command's usage. */
import { type Candidate, type NameKind, namesOf } from '#cli/complete-names.ts';

/** Words that never change, kinds of names, or names behind a prefix (`container:`). */
type Source = readonly string[] | NameKind | { prefix: string; names: NameKind };

const CONTAINER_NAMESPACE: Source = { prefix: 'container:', names: 'containers' };

const CAPABILITIES = `ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE
  DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN
  NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT SYS_CHROOT SYSLOG
  SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM`.split(/\s+/);

const SIGNALS = 'ABRT ALRM CONT HUP INT KILL QUIT STOP TERM TSTP USR1 USR2 WINCH'
  .split(' ')
  .map((name) => `SIG${name}`);

/** By the flag's name; `command flag` goes before. A flag that is not here takes a file, or anything. */
const FLAG_VALUES: Readonly<Record<string, readonly Source[]>> = {
  attach: [['stdin', 'stdout', 'stderr']],
  'cap-add': [CAPABILITIES],
  'cap-drop': [CAPABILITIES],
  cgroupns: [['host', 'private'], CONTAINER_NAMESPACE],
  'container ls filter': [
    `ancestor= before= exited= expose= health= id= is-task= label= name= network= publish= since= status= volume=`.split(
      ' ',
    ),
  ],
  'container ls format': [['table', 'json', 'raw']],
  'container ls sort': [['command', 'created', 'id', 'image', 'names', 'runningfor', 'size', 'status']],
  context: [['default']],
  format: [['json', 'table']],
  'image ls filter': [['before=', 'dangling=', 'label=', 'reference=', 'since=', 'until=']],
  'inspect type': ['config container image network node plugin secret service task volume'.split(' ')],
  ipc: [['host', 'none', 'private', 'shareable'], CONTAINER_NAMESPACE],
  link: ['containers'],
  'log-driver': [['journald', 'json-file', 'k8s-file', 'local', 'none', 'passthrough']],
  'log-level': [['debug', 'info', 'warn', 'error', 'fatal']],
  net: [['none'], 'networks', CONTAINER_NAMESPACE],
  network: [['none'], 'networks', CONTAINER_NAMESPACE],
  'network ls filter': [['dangling=', 'driver=', 'id=', 'label=', 'name=', 'scope=', 'type=']],
  pid: [['host', 'private'], CONTAINER_NAMESPACE],
  platform: [
    ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'linux/386', 'linux/ppc64le', 'linux/riscv64', 'linux/s390x'],
  ],
  pull: [['always', 'missing', 'never']],
  restart: [['always', 'no', 'on-failure', 'unless-stopped']],
  runtime: [['crun', 'runc', 'youki']],
  secret: ['secrets'],
  'security-opt': [
    [
      'apparmor=unconfined',
      'label=disable',
      'mask=',
      'no-new-privileges',
      'seccomp=unconfined',
      'systempaths=unconfined',
      'unmask=ALL',
    ],
  ],
  signal: [SIGNALS],
  'stop-signal': [SIGNALS],
  userns: [['auto', 'host', 'keep-id', 'nomap']],
  uts: [['host', 'private']],
  volume: ['volumes'],
  'volume ls filter': [['dangling=', 'driver=', 'label=', 'name=']],
  'volumes-from': ['containers'],
};

/** Values of a filter's name. */
const FILTER_VALUES: Readonly<Record<string, readonly Source[]>> = {
  ancestor: ['images'],
  before: ['containers'],
  dangling: [['true', 'false']],
  health: [['healthy', 'none', 'starting', 'unhealthy']],
  'is-task': [['true', 'false']],
  network: ['networks'],
  scope: [['local']],
  since: ['containers'],
  status: ['created dead exited paused removing restarting running'.split(' ')],
  type: [['builtin', 'custom']],
  volume: ['volumes'],
};

/** What may follow this flag; value: what is there of it. Undefined where nothing is known: the shell has files then. */
export async function flagValues(key: string, flag: string, value: string): Promise<Candidate[] | undefined> {
  const filter = flag === 'filter' ? /^([^=]+)=/.exec(value)?.[1] : undefined;
  if (filter !== undefined) {
    const found = await gather(FILTER_VALUES[filter] ?? []);
    return found.map(([word, about]) => [`${filter}=${word}`, about]);
  }
  const sources = FLAG_VALUES[`${key} ${flag}`] ?? FLAG_VALUES[flag];
  return sources === undefined ? undefined : gather(sources);
}

/** Commands for which not every container will do. */
const STATES: Readonly<Record<string, NameKind>> = {
  'container attach': 'runningContainers',
  'container exec': 'unpausedContainers',
  'container kill': 'runningContainers',
  'container pause': 'unpausedContainers',
  'container start': 'stoppedContainers',
  'container stats': 'runningContainers',
  'container stop': 'runningContainers',
  'container top': 'runningContainers',
  'container unpause': 'pausedContainers',
};

/** What a word of a usage stands for. */
const PLACES: readonly [RegExp, readonly Source[]][] = [
  [/^CONTAINER:SRC_PATH/, [{ prefix: '', names: 'containers' }]],
  [/^CONTAINER/, ['containers']],
  [/^(IMAGE|SOURCE_IMAGE|NAME\[:|REPOSITORY|MANIFEST)/, ['images']],
  [/^NETWORK/, ['networks']],
  [/^VOLUME/, ['volumes']],
  [/^SECRET/, ['secrets']],
  [/^NAME\|ID/, ['every']],
  [/^CONTEXT/, [['default']]],
  [/^SHELL/, [['bash', 'fish', 'zsh']]],
];

/** Names that are to be made up. */
const MAKES = new Set(['network create', 'secret create', 'volume create', 'context create', 'context import']);

/** What may stand in this place of a command's usage, `CONTAINER` or `[IMAGE...]`. */
export async function placeValues(key: string, place: string): Promise<Candidate[]> {
  if (MAKES.has(key)) return [];
  const found = PLACES.find(([pattern]) => pattern.test(place.replace(/^\[/, '')));
  const sources = found?.[1] ?? [];
  return gather(STATES[key] !== undefined && sources[0] === 'containers' ? [STATES[key]] : sources);
}

async function gather(sources: readonly Source[]): Promise<Candidate[]> {
  const lists = await Promise.all(sources.map(candidates));
  const seen = new Set<string>();
  return lists.flat().filter(([word]) => !seen.has(word) && seen.add(word));
}

async function candidates(source: Source): Promise<Candidate[]> {
  if (typeof source === 'string') return namesOf(source);
  if (!('prefix' in source)) return source.map((word) => [word, '']);
  const suffix = source.prefix === '' ? ':' : '';
  return (await namesOf(source.names)).map(([word, about]) => [`${source.prefix}${word}${suffix}`, about]);
}
