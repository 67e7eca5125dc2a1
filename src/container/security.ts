/** --security-opt, and the paths of /proc and /sys that Docker hides from a container or makes read-only. */
import { existsSync, readFileSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { globOf } from '#base/glob.ts';
import { parseBool } from '#base/units.ts';

export interface Security {
  noNewPrivileges: boolean;
  /** A profile's name; '' = none asked for. */
  apparmor: string;
  /** '' = the default one; unconfined; builtin; else a profile's content. */
  seccomp: string;
  /** SELinux: label=… as given. */
  labels: string[];
  /** cgroups mounted writable; undefined: as the container's privilege has it. */
  writableCgroups?: boolean;
  /** podman's: paths that are hidden on top of Docker's, patterns of those that are not (ALL), options of /proc. */
  mask: string[];
  unmask: string[];
  procOptions: string[];
}

/** Reads HostConfig.SecurityOpt, the later ones win. Throws kind `invalid` in Docker's words. */
export function readSecurity(options: readonly string[]): Security {
  const security: Security = {
    noNewPrivileges: false,
    apparmor: '',
    seccomp: '',
    labels: [],
    mask: [],
    unmask: [],
    procOptions: [],
  };
  for (const option of options) apply(security, option);
  return security;
}

function apply(security: Security, option: string): void {
  if (option === 'no-new-privileges') security.noNewPrivileges = true;
  else if (option === 'writable-cgroups') security.writableCgroups = true;
  else if (option === 'disable') security.labels.push('disable');
  else {
    const at = option.includes('=') ? option.indexOf('=') : option.indexOf(':');
    if (at === -1) throw new WherryError('invalid', `invalid --security-opt 1: "${option}"`);
    applyPair(security, option, [option.slice(0, at), option.slice(at + 1)]);
  }
}

function applyPair(security: Security, option: string, [key, value]: [string, string]): void {
  const refuse = () => new WherryError('invalid', `invalid --security-opt 2: "${option}"`);
  const truth = () => {
    const read = parseBool(value);
    if (read === undefined) throw refuse();
    return read;
  };
  switch (key) {
    case 'mask':
      security.mask.push(...value.split(':').map(absolutePath));
      return;
    case 'unmask':
      security.unmask.push(...value.split(':'));
      return;
    case 'proc-opts':
      security.procOptions.push(...value.split(',').map(procOption));
      return;
    case 'label':
      security.labels.push(value);
      return;
    case 'apparmor':
      security.apparmor = value;
      return;
    case 'seccomp':
      security.seccomp = value;
      return;
    case 'no-new-privileges':
      security.noNewPrivileges = truth();
      return;
    case 'writable-cgroups':
      security.writableCgroups = truth();
      return;
    default:
      throw refuse();
  }
}

function absolutePath(path: string): string {
  if (path.startsWith('/')) return path;
  throw new WherryError('invalid', `invalid --security-opt mask: path "${path}" is not an absolute path`);
}

/** proc(5), "Mount options". */
function procOption(option: string): string {
  if (/^(hidepid=([0124]|off|noaccess|invisible|ptraceable)|gid=\d+|subset=pid)$/.test(option)) return option;
  throw new WherryError('invalid', `invalid --security-opt proc-opts: "${option}" is no option of /proc`, {
    hint: 'Known are hidepid=0, 1, 2 or 4, gid=NUMBER and subset=pid',
  });
}

/** What mask= and unmask= leave of the paths that are hidden, and of those that can't be written to. */
export function hiddenPaths(
  { mask, unmask }: Pick<Security, 'mask' | 'unmask'>,
  { masked, readonly }: { masked: readonly string[]; readonly: readonly string[] },
): { masked: string[]; readonly: string[] } {
  const patterns = unmask.filter((pattern) => pattern !== 'ALL').map(globOf);
  const all = patterns.length < unmask.length;
  const shown = (path: string) => all || patterns.some((pattern) => pattern.test(path));
  return {
    masked: [...new Set([...masked.filter((path) => !shown(path)), ...mask])],
    readonly: readonly.filter((path) => !shown(path)),
  };
}

const MASKED = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];

/** Docker's read-only paths. */
export const READONLY_PATHS: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

/** Docker's masked paths; the throttling counters of each CPU tell tenants apart (GHSA-6fw5-f8r9-fgfm). */
export function maskedPaths(cpus = '/sys/devices/system/cpu'): string[] {
  if (!existsSync(`${cpus}/cpu0/thermal_throttle`)) return [...MASKED];
  const throttles = possible(readFileSync(`${cpus}/possible`, 'latin1'))
    .map((cpu) => `${cpus}/cpu${cpu}/thermal_throttle`)
    .filter((path) => existsSync(path));
  return [...MASKED, ...throttles];
}

/** `0-3,8`: the kernel's list format. */
function possible(text: string): number[] {
  return text
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}
