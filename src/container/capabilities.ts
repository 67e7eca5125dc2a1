/** Capabilities (capabilities(7)): the kernel's names, Docker's defaults, and what --cap-add and --cap-drop make of them. */
import { WherryError } from '#base/error.ts';

/** By bit number: linux/capability.h. */
const NAMES = `
  CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
  NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
  SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
  MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`
  .trim()
  .split(/\s+/)
  .map((name) => `CAP_${name}`);

/** What a container has without a word about it; Docker's list. */
const DEFAULTS = `
  CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL
  AUDIT_WRITE`
  .trim()
  .split(/\s+/)
  .map((name) => `CAP_${name}`);

const ALL = 'ALL';

/** The capabilities of a bounding set as /proc/PID/status shows it (CapBnd: 64 bits in hexadecimal). */
export function fromMask(hexadecimal: string): string[] {
  const mask = BigInt(`0x${hexadecimal}`);
  return NAMES.filter((_, bit) => (mask >> BigInt(bit)) & 1n);
}

/**
 * `net_admin`, `CAP_NET_ADMIN`, `all` → the kernel's name, or ALL.
 * available: what we could hand on at all. Throws kind `invalid` in Docker's words; `list` names the field.
 */
export function normalize(
  words: readonly string[],
  available: readonly string[],
  list: 'CapAdd' | 'CapDrop',
): string[] {
  return words.map((word) => {
    const upper = word.toUpperCase();
    if (upper === ALL) return ALL;
    const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
    if (!NAMES.includes(name)) throw new WherryError('invalid', `invalid ${list}: unknown capability: "${name}"`);
    if (!available.includes(name) && list === 'CapAdd') {
      throw new WherryError(
        'invalid',
        `invalid ${list}: capability not supported by your kernel or not available in the current environment: "${name}"`,
      );
    }
    return name;
  });
}

/** What a container gets. Docker's rules: ALL added beats ALL dropped; single ones are dropped before some are added. */
export function effectiveCapabilities(
  { add, drop, privileged }: { add: readonly string[]; drop: readonly string[]; privileged: boolean },
  available: readonly string[],
): string[] {
  if (privileged) return [...available];
  const dropped = normalize(drop, available, 'CapDrop');
  const added = normalize(add, available, 'CapAdd');
  if (added.includes(ALL)) return available.filter((name) => !dropped.includes(name));
  if (dropped.includes(ALL)) return [...new Set(added)];
  const kept = DEFAULTS.filter((name) => available.includes(name) && !dropped.includes(name));
  return [...new Set([...kept, ...added])];
}
