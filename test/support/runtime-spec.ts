/**
 * The OCI runtime specification 1.2 (config.md, config-linux.md) as a JSON schema, written from the text of the
 * specification. It covers what wherry writes and refuses every other property, so that a slip of the pen in a name
 * fails a test instead of being passed over by a runtime.
 */

const text = { type: 'string', minLength: 1 } as const;
const absolute = { type: 'string', pattern: '^/' } as const;
const texts = { type: 'array', items: { type: 'string' } } as const;
const paths = { type: 'array', items: absolute } as const;
const flag = { type: 'boolean' } as const;
const uint32 = { type: 'integer', minimum: 0, maximum: 0xffff_ffff } as const;
const uint64 = { type: 'integer', minimum: 0, maximum: 2 ** 64 } as const;
const int64 = { type: 'integer', minimum: -(2 ** 63), maximum: 2 ** 63 } as const;
const map = { type: 'object', propertyNames: { minLength: 1 }, additionalProperties: { type: 'string' } } as const;

function object(required: Record<string, object>, optional: Record<string, object> = {}): object {
  return {
    type: 'object',
    additionalProperties: false,
    required: Object.keys(required),
    properties: { ...required, ...optional },
  };
}

const list = (items: object) => ({ type: 'array', items, uniqueItems: true });
const oneOf = (...values: string[]) => ({ enum: values });

const capabilities = list({ type: 'string', pattern: '^CAP_[A-Z_]+$' });

const RLIMITS = 'AS CORE CPU DATA FSIZE LOCKS MEMLOCK MSGQUEUE NICE NOFILE NPROC RSS RTPRIO RTTIME SIGPENDING STACK';

/** config.md, "Process". */
const process = object(
  {
    cwd: absolute,
    args: { ...texts, minItems: 1 },
    user: object({ uid: uint32, gid: uint32 }, { umask: uint32, additionalGids: list(uint32) }),
  },
  {
    terminal: flag,
    consoleSize: object({ height: uint64, width: uint64 }),
    env: { type: 'array', items: { type: 'string', pattern: '^[^=]+=' } },
    capabilities: object(
      {},
      {
        bounding: capabilities,
        effective: capabilities,
        permitted: capabilities,
        inheritable: capabilities,
        ambient: capabilities,
      },
    ),
    rlimits: list(
      object({ type: oneOf(...RLIMITS.split(' ').map((name) => `RLIMIT_${name}`)), soft: uint64, hard: uint64 }),
    ),
    noNewPrivileges: flag,
    apparmorProfile: text,
    oomScoreAdj: { type: 'integer', minimum: -1000, maximum: 1000 },
  },
);

/** config.md, "Mounts". */
const mount = object({ destination: absolute }, { type: text, source: text, options: texts });

/** config-linux.md, "Default Devices" and "Devices". */
const device = object(
  { type: oneOf('c', 'b', 'u', 'p'), path: absolute },
  { major: int64, minor: int64, fileMode: { type: 'integer', minimum: 0, maximum: 0o7777 }, uid: uint32, gid: uint32 },
);

/** config-linux.md, "Control groups". */
const resources = object(
  {},
  {
    devices: {
      type: 'array',
      items: object(
        { allow: flag },
        { type: oneOf('a', 'c', 'b'), major: int64, minor: int64, access: { type: 'string', pattern: '^[rwm]+$' } },
      ),
    },
    memory: object({}, { limit: int64, reservation: int64, swap: int64 }),
    cpu: object({}, { shares: uint64, quota: int64, period: uint64, cpus: text, mems: text }),
    pids: object({ limit: int64 }),
  },
);

const ARCHITECTURES =
  'X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X PARISC PARISC64 RISCV64 LOONGARCH64';
const ACTIONS = 'KILL KILL_PROCESS KILL_THREAD TRAP ERRNO TRACE ALLOW LOG NOTIFY';
const OPERATORS = 'NE LT LE EQ GE GT MASKED_EQ';
const seccompWords = (prefix: string, words: string) =>
  oneOf(...words.split(' ').map((word) => `SCMP_${prefix}_${word}`));

/** config-linux.md, "Seccomp". */
const seccomp = object(
  { defaultAction: seccompWords('ACT', ACTIONS) },
  {
    defaultErrnoRet: uint32,
    architectures: list(seccompWords('ARCH', ARCHITECTURES)),
    flags: list({ type: 'string', pattern: '^SECCOMP_FILTER_FLAG_[A-Z_]+$' }),
    listenerPath: text,
    listenerMetadata: { type: 'string' },
    syscalls: {
      type: 'array',
      items: object(
        { names: { ...texts, minItems: 1 }, action: seccompWords('ACT', ACTIONS) },
        {
          errnoRet: uint32,
          args: {
            type: 'array',
            items: object({ index: uint32, value: uint64, op: seccompWords('CMP', OPERATORS) }, { valueTwo: uint64 }),
          },
        },
      ),
    },
  },
);

/** config-linux.md */
const linux = object(
  {},
  {
    namespaces: {
      type: 'array',
      items: object(
        { type: oneOf('pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time') },
        { path: absolute },
      ),
    },
    devices: list(device),
    cgroupsPath: text,
    resources,
    sysctl: map,
    seccomp,
    rootfsPropagation: oneOf(
      'private',
      'rprivate',
      'shared',
      'rshared',
      'slave',
      'rslave',
      'unbindable',
      'runbindable',
    ),
    maskedPaths: paths,
    readonlyPaths: paths,
  },
);

/** config.md */
export const RUNTIME_SPEC = object(
  {
    ociVersion: { type: 'string', pattern: '^1\\.[012]\\.\\d+$' },
    process,
    root: object({ path: text }, { readonly: flag }),
    mounts: { type: 'array', items: mount },
    linux,
  },
  { hostname: text, domainname: text, annotations: map },
);
