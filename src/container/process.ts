/** A process in a container as the runtime wants it: the container's first one, and each exec. */
import type { Ulimit } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { effectiveCapabilities } from '#container/capabilities.ts';
import { nameOf } from '#container/create.ts';
import { type Facts, type OwnLimit, ownLimits } from '#container/facts.ts';
import { type Identity, KEEP_GROUPS } from '#container/identity.ts';
import type { ContainerRecord } from '#container/record.ts';
import { rawNumber } from '#container/seccomp.ts';
import { readSecurity } from '#container/security.ts';
import type { Process, Rlimit } from '#oci/spec.ts';
import { isMapped } from '#sys/userns.ts';

export interface ProcessWish {
  args: readonly string[];
  terminal: boolean;
  /** Rows and columns. */
  size?: readonly [number, number];
  identity: Identity;
  /** '' = /. */
  cwd: string;
  /** On top of the container's own environment (exec -e). */
  env?: readonly string[];
  /** exec --privileged. */
  privileged?: boolean;
  /** What devices and secrets bring: below nothing. */
  given?: readonly string[];
  /** The container's own name where the record has none: it shares another's, or the host's. */
  hostname?: string;
}

/** A process with what the container's record grants it. Throws kind `denied` for what this host can't grant. */
export function makeProcess(record: ContainerRecord, facts: Facts, wish: ProcessWish): Process {
  const { hostConfig } = record;
  const security = readSecurity(hostConfig.SecurityOpt ?? []);
  const privileged = hostConfig.Privileged || (wish.privileged ?? false);
  const capabilities = effectiveCapabilities(
    { add: hostConfig.CapAdd ?? [], drop: hostConfig.CapDrop ?? [], privileged },
    facts.capabilities,
  );
  const [height, width] = wish.size ?? [0, 0];
  return {
    ...(wish.terminal ? { terminal: true } : {}),
    ...(wish.terminal && height > 0 && width > 0 ? { consoleSize: { height, width } } : {}),
    user: userOf(wish.identity, facts, record),
    args: [...wish.args],
    env: environment(record, wish),
    cwd: wish.cwd || '/',
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    ...(hostConfig.Ulimits?.length ? { rlimits: rlimits(hostConfig.Ulimits, facts) } : {}),
    noNewPrivileges: security.noNewPrivileges,
    ...(facts.apparmor && security.apparmor !== '' ? { apparmorProfile: security.apparmor } : {}),
    oomScoreAdj: facts.userns.initial
      ? hostConfig.OomScoreAdj
      : // As Docker does without root: the kernel lets nobody go below where they are.
        Math.max(hostConfig.OomScoreAdj, facts.oomScoreAdj),
  };
}

function userOf(
  { uid, gid, additionalGids }: Identity,
  { userns }: Facts,
  { hostConfig, extras = {} }: ContainerRecord,
): Process['user'] {
  const keepGroups = hostConfig.GroupAdd?.includes(KEEP_GROUPS) ?? false;
  const refuse = (what: string) =>
    new WherryError('denied', `Cannot run as ${what}: your user namespace does not have it`, {
      hint: 'Have root give you a range of ids in /etc/subuid and /etc/subgid (install.sh says how), or run as root (-u 0)',
    });
  if (!isMapped(userns.uids, uid)) throw refuse(`user ${uid}`);
  if (!isMapped(userns.gids, gid)) throw refuse(`group ${gid}`);
  // Where there is one id alone, the kernel allows no setgroups(2): the group itself is all there is.
  const only = lastGid(userns.gids) === 0;
  const missing = additionalGids.find((one) => !isMapped(userns.gids, one));
  if (missing !== undefined && !only && !keepGroups) throw refuse(`group ${missing}`);
  return {
    uid,
    gid,
    ...(only || keepGroups ? {} : { additionalGids: [...additionalGids] }),
    ...(extras.umask === undefined ? {} : { umask: extras.umask }),
  };
}

const lastGid = (ranges: Facts['userns']['gids']) => Math.max(...ranges.map(({ inside, count }) => inside + count - 1));

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Docker's order: PATH, HOSTNAME and TERM, the container's own, those of this process; HOME from passwd. */
function environment(record: ContainerRecord, wish: ProcessWish): string[] {
  const hostname = record.config.Hostname || (wish.hostname ?? '');
  const entries = new Map([['PATH', `PATH=${PATH}`]]);
  if (hostname !== '') entries.set('HOSTNAME', `HOSTNAME=${hostname}`);
  if (wish.terminal) entries.set('TERM', 'TERM=xterm');
  override(entries, record.config.Env);
  override(entries, wish.given ?? []);
  override(entries, wish.env ?? []);
  // A runtime takes an empty one for none, too.
  if (['', 'HOME='].includes(entries.get('HOME') ?? '')) entries.set('HOME', `HOME=${wish.identity.home}`);
  return [...entries.values()];
}

/** A name alone takes away what was there before all of `list`, not what `list` itself has set (Docker's rule). */
function override(entries: Map<string, string>, list: readonly string[]): void {
  const before = new Set(entries.keys());
  for (const entry of list) {
    if (entry.includes('=')) entries.set(nameOf(entry), entry);
    else if (before.has(entry)) entries.delete(entry);
  }
}

/** RLIM_INFINITY: past what a double holds exactly. */
const INFINITY = '18446744073709551615';

function rlimits(asked: readonly Ulimit[], { userns, capabilities }: Facts): Rlimit[] {
  const mayRaise = userns.initial && capabilities.includes('CAP_SYS_RESOURCE');
  const own = mayRaise ? undefined : ownLimits();
  return asked.map((limit) => {
    if (own !== undefined) checkLimit(limit, own.get(limit.Name));
    return { type: `RLIMIT_${limit.Name.toUpperCase()}`, soft: asNumber(limit.Soft), hard: asNumber(limit.Hard) };
  });
}

const asNumber = (value: number) => (value < 0 ? rawNumber(INFINITY) : value);

function checkLimit({ Name, Hard }: Ulimit, own: OwnLimit | undefined): void {
  const ours = own?.hard;
  if (ours === undefined || (Hard >= 0 && Hard <= ours)) return;
  const wanted = Hard < 0 ? 'unlimited' : String(Hard);
  throw new WherryError('denied', `Cannot set the ulimit ${Name} to ${wanted}: your own hard limit is ${ours}`, {
    hint: `Ask for at most ${ours}, or have root raise yours (limits.conf(5), or LimitNOFILE= and its like in systemd)`,
  });
}
