/** Options of the `local` driver: `type`, `device` and `o`, as mount(8) has them. Pure. */
import { WherryError } from '#base/error.ts';
import { MS } from '#sys/ffi.ts';

export type DriverOptions = Readonly<Record<string, string>>;

/** One call of mount(2). */
export interface MountCall {
  device: string;
  type: string;
  flags: number;
  data: string;
}

const KNOWN = ['type', 'o', 'device', 'size'];
/** What the others need, in the order in which Docker misses them. */
const REQUIRED = ['device', 'type'];
/** File systems that a user namespace may mount (FS_USERNS_MOUNT), and a bind mount. */
const WITHOUT_ROOT = new Set(['tmpfs', 'overlay', 'none', 'bind']);

/** Throws kind `unavailable` in Docker's words for options that say nothing, or that can't work here. */
export function checkOptions(name: string, options: DriverOptions, { root }: { root: boolean }): void {
  const refuse = (why: string, hint?: string) =>
    new WherryError('unavailable', `create ${name}: ${why}`, hint === undefined ? {} : { hint });
  const unknown = Object.keys(options).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) throw refuse(`invalid option: ${JSON.stringify(unknown)}`);
  if (Object.hasOwn(options, 'size')) throw refuse('quota size requested but no quota support');
  const missing = Object.keys(options).length > 0 ? REQUIRED.find((key) => !Object.hasOwn(options, key)) : undefined;
  if (missing !== undefined) throw refuse(`missing required option: ${JSON.stringify(missing)}`);
  const { type = '' } = options;
  if (root || type === '' || isBind(options) || WITHOUT_ROOT.has(type)) return;
  throw refuse(
    `a file system of the type ${type} can't be mounted without root`,
    'Let root mount it on the host, and use that directory: type=none,o=bind,device=/path',
  );
}

const words = (options: DriverOptions) => (options.o ?? '').split(',').filter(Boolean);
const isBind = (options: DriverOptions) => words(options).some((word) => word === 'bind' || word === 'rbind');

/** Do the options say that nobody may write? Of several words the last one counts. */
export function isReadOnly(options: DriverOptions): boolean {
  return words(options).findLast((word) => word === 'ro' || word === 'rw') === 'ro';
}

/**
 * What the options forbid on a file system of the volume's own: a runtime's bind mount of it would allow that again. A
 * directory of the host keeps what it was mounted with, as Docker has it.
 */
export function flagWords(options: DriverOptions): string[] {
  if (isBind(options)) return [];
  return ['noexec', 'nosuid', 'nodev'].filter((word) => words(options).includes(word));
}

/** Flags by name: the bits that they set, or take away (mount(8), mount(2)). */
const FLAGS: Readonly<Record<string, { set: number } | { clear: number }>> = {
  defaults: { set: 0 },
  ro: { set: MS.RDONLY },
  rw: { clear: MS.RDONLY },
  nosuid: { set: MS.NOSUID },
  suid: { clear: MS.NOSUID },
  nodev: { set: MS.NODEV },
  dev: { clear: MS.NODEV },
  noexec: { set: MS.NOEXEC },
  exec: { clear: MS.NOEXEC },
  sync: { set: MS.SYNCHRONOUS },
  async: { clear: MS.SYNCHRONOUS },
  dirsync: { set: MS.DIRSYNC },
  noatime: { set: MS.NOATIME },
  atime: { clear: MS.NOATIME },
  nodiratime: { set: MS.NODIRATIME },
  diratime: { clear: MS.NODIRATIME },
  relatime: { set: MS.RELATIME },
  norelatime: { clear: MS.RELATIME },
  strictatime: { set: MS.STRICTATIME },
  nostrictatime: { clear: MS.STRICTATIME },
  bind: { set: MS.BIND },
  rbind: { set: MS.BIND | MS.REC },
};

/** How the volume is mounted; undefined for one without options. What is no flag is the file system's own. */
export function mountCall(options: DriverOptions): MountCall | undefined {
  const { device = '', type = '' } = options;
  if (device === '' && type === '') return undefined;
  const call: MountCall = { device, type, flags: 0, data: '' };
  const data: string[] = [];
  for (const word of words(options)) {
    const flag = Object.hasOwn(FLAGS, word) ? FLAGS[word] : undefined;
    if (flag === undefined) data.push(word);
    else if ('set' in flag) call.flags |= flag.set;
    else call.flags &= ~flag.clear;
  }
  // In a user namespace the kernel takes overlay's own attributes only as the user's.
  if (type === 'overlay' && !data.includes('userxattr')) data.push('userxattr');
  return { ...call, data: data.join(',') };
}
