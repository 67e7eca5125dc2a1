/** Seccomp: Docker's default profile, or one of the user's in Docker's format, as the runtime wants it. */
import { WherryError } from '#base/error.ts';
import { PROFILE, type Row } from '#container/seccomp-table.ts';
import type { Seccomp, SeccompArgument, SeccompRule } from '#oci/spec.ts';

/** What rules may depend on. */
export interface Conditions {
  /** The container's bounding set. */
  capabilities: readonly string[];
  /** Node's process.arch. */
  arch: string;
  /** Linux major and minor. */
  kernel: readonly [number, number];
}

interface Architecture {
  /** Docker's word for it in profiles. */
  docker: string;
  /** libseccomp's, then those of the older programs that the machine runs as well. */
  names: string[];
}

const ARCHITECTURES: Record<string, Architecture> = {
  x64: { docker: 'amd64', names: ['X86_64', 'X86', 'X32'] },
  ia32: { docker: 'x86', names: ['X86'] },
  arm64: { docker: 'arm64', names: ['AARCH64', 'ARM'] },
  arm: { docker: 'arm', names: ['ARM'] },
  riscv64: { docker: 'riscv64', names: ['RISCV64'] },
  s390x: { docker: 's390x', names: ['S390X', 'S390'] },
  ppc64: { docker: 'ppc64le', names: ['PPC64LE'] },
  loong64: { docker: 'loongarch64', names: ['LOONGARCH64'] },
};

const ALLOW = 'SCMP_ACT_ALLOW';
const ERRNO = 'SCMP_ACT_ERRNO';
const EPERM = 1;

/** Docker's default profile under these conditions. */
export function defaultSeccomp(conditions: Conditions): Seccomp {
  return {
    defaultAction: ERRNO,
    defaultErrnoRet: EPERM,
    architectures: (ARCHITECTURES[conditions.arch]?.names ?? []).map((name) => `SCMP_ARCH_${name}`),
    syscalls: PROFILE.filter((row) => holds(row, conditions)).map(toRule),
  };
}

function holds(row: Row, { capabilities, arch, kernel }: Conditions): boolean {
  if (row.cap !== undefined && !capabilities.includes(row.cap)) return false;
  if (row.withoutCap !== undefined && capabilities.includes(row.withoutCap)) return false;
  if (row.arch?.includes(arch) === false || row.withoutArch?.includes(arch)) return false;
  return row.kernel === undefined || isSince(kernel, row.kernel);
}

const isSince = ([major, minor]: readonly [number, number], [wanted, least]: readonly [number, number]) =>
  major > wanted || (major === wanted && minor >= least);

function toRule({ calls, args, errno }: Row): SeccompRule {
  return {
    names: calls.trim().split(/\s+/),
    action: errno === undefined ? ALLOW : ERRNO,
    ...(errno === undefined ? {} : { errnoRet: errno }),
    ...(args === undefined ? {} : { args }),
  };
}

/** Docker's format: the specification's, and conditions on each rule. */
interface Profile extends Omit<Seccomp, 'syscalls'> {
  archMap?: { architecture: string; subArchitectures?: string[] | null }[] | null;
  syscalls?: (SeccompRule & { name?: string; includes?: Filter | null; excludes?: Filter | null })[] | null;
}

interface Filter {
  caps?: string[] | null;
  arches?: string[] | null;
  minKernel?: string;
}

/**
 * A profile of the user's. text: the file's content. Undefined for one that says nothing, which Docker takes for
 * "unconfined". Throws kind `invalid` for what is no profile.
 */
export function customSeccomp(text: string, conditions: Conditions): Seccomp | undefined {
  const profile = parseProfile(text);
  const { archMap, syscalls, architectures, ...rest } = profile;
  if (!rest.defaultAction && !syscalls?.length) return undefined;
  if (architectures?.length && archMap?.length) {
    throw bad("both 'architectures' and 'archMap' are specified, use either of them");
  }
  return {
    ...rest,
    ...(architectures?.length || archMap?.length
      ? { architectures: architectures ?? fromArchMap(archMap, conditions) }
      : {}),
    syscalls: (syscalls ?? []).filter((rule) => applies(rule, conditions)).map(plainRule),
  };
}

const bad = (why: string) => new WherryError('invalid', `Decoding seccomp profile failed: ${why}`);

/** Numbers of 64 bits (masks of arguments) stay as they are written. */
function parseProfile(text: string): Profile {
  const exact = (_key: string, value: unknown, context?: { source: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && context !== undefined
      ? rawNumber(context.source)
      : value;
  try {
    const profile = JSON.parse(text, exact) as Profile | null;
    if (profile !== null && typeof profile === 'object' && !Array.isArray(profile)) return profile;
  } catch (cause) {
    throw bad((cause as Error).message);
  }
  throw bad('it is not a JSON object');
}

/** Not in TypeScript's library yet: https://tc39.es/proposal-json-parse-with-source/ */
export const rawNumber = (text: string): { rawJSON: string } =>
  (JSON as unknown as { rawJSON(text: string): { rawJSON: string } }).rawJSON(text);

function fromArchMap(map: Profile['archMap'], { arch }: Conditions): string[] {
  const native = `SCMP_ARCH_${ARCHITECTURES[arch]?.names[0]}`;
  const entry = map?.find(({ architecture }) => architecture === native);
  return entry === undefined ? [] : [entry.architecture, ...(entry.subArchitectures ?? [])];
}

type ProfileRule = NonNullable<Profile['syscalls']>[number];

function applies({ includes, excludes }: ProfileRule, conditions: Conditions): boolean {
  const { capabilities, kernel } = conditions;
  const arch = ARCHITECTURES[conditions.arch]?.docker ?? conditions.arch;
  const since = (filter: Filter) => isSince(kernel, kernelVersion(filter.minKernel ?? ''));
  if (excludes) {
    if (excludes.arches?.includes(arch) || excludes.caps?.some((cap) => capabilities.includes(cap))) return false;
    if (excludes.minKernel && since(excludes)) return false;
  }
  if (!includes) return true;
  if (includes.arches?.length && !includes.arches.includes(arch)) return false;
  return (includes.caps ?? []).every((cap) => capabilities.includes(cap)) && (!includes.minKernel || since(includes));
}

function kernelVersion(text: string): [number, number] {
  const match = /^(\d+)\.(\d+)$/.exec(text);
  if (match === null) throw bad(`invalid kernel version: "${text}", expected "<kernel>.<major>"`);
  return [Number(match[1]), Number(match[2])];
}

function plainRule({ name, names, action, errnoRet, args }: ProfileRule): SeccompRule {
  if (name && names?.length) throw bad("both 'name' and 'names' are specified, use either of them");
  return {
    names: name ? [name] : (names ?? []),
    action,
    ...(errnoRet === undefined || errnoRet === null ? {} : { errnoRet }),
    ...(args?.length ? { args: args as SeccompArgument[] } : {}),
  };
}
