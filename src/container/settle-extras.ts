/** What podman has and Docker has not, checked, with names as ids and paths as they are. */
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { CreateRequest, HostConfig } from '#base/api.ts';
import { hasCode, WherryError } from '#base/error.ts';
import type { Extras, UserMaps } from '#base/extras.ts';
import type { Facts } from '#container/facts.ts';
import { KEEP_GROUPS } from '#container/identity.ts';
import { findContainer } from '#container/names.ts';
import { checkUserns, mapsOf, parseUserns } from '#container/userns.ts';
import type { Store } from '#store/store.ts';
import type { UserNamespace } from '#sys/userns.ts';

const refuse = (message: string, hint?: string) =>
  new WherryError('invalid', message, hint === undefined ? {} : { hint });

/** Undefined where nothing of it is asked for. Throws kind `invalid` or `not-found`. */
export function settleExtras(
  store: Store,
  { extras = {} }: CreateRequest,
  host: HostConfig,
  facts: Facts,
): Extras | undefined {
  checkGroups(host.GroupAdd ?? [], facts);
  const settled: Extras = { ...extras };
  const maps = settleMaps(store, host.UsernsMode, extras.idmaps, facts.userns);
  if (maps !== undefined) settled.maps = maps;
  if (extras.rootfs !== undefined) settled.rootfs = settleRootfs(extras.rootfs);
  if (extras.requires !== undefined) settled.requires = extras.requires.map((name) => requirement(store, name));
  if (extras.timezone !== undefined) zoneFile(extras.timezone);
  if (extras.initPath !== undefined) settled.initPath = settleInit(extras.initPath);
  if (extras.preserveFds !== undefined) checkDescriptors(extras.preserveFds);
  if (extras.accounts !== undefined) for (const user of extras.accounts.hostUsers) hostUser(user);
  for (const name of ['pidFile', 'monitorPidFile'] as const) {
    const path = extras[name];
    if (path !== undefined) settled[name] = resolve(path);
  }
  return Object.keys(settled).length === 0 ? undefined : settled;
}

/** The ids of a container that has others than ours; auto's are given out when the container is made. */
function settleMaps(store: Store, mode: string, idmaps: Extras['idmaps'], ours: UserNamespace): UserMaps | undefined {
  const userns = parseUserns(mode);
  checkUserns(userns, idmaps, ours);
  if (userns.kind === 'path') checkNamespace(userns.path);
  if (userns.kind === 'container') return findContainer(store, userns.name).extras?.maps;
  return mapsOf(userns, idmaps, ours);
}

/** Our own groups can't be mixed with others. */
function checkGroups(groups: readonly string[], { userns }: Facts): void {
  if (!groups.includes(KEEP_GROUPS)) return;
  if (groups.length > 1) {
    throw refuse("the '--group-add keep-groups' option is not allowed with any other --group-add options");
  }
  if (userns.initial) throw refuse('--group-add keep-groups is only supported in rootless mode');
}

function checkNamespace(path: string): void {
  if (existsSync(path)) return;
  throw refuse(`cannot find specified user namespace path: ${path}: no such file or directory`);
}

function settleRootfs({ path, overlay }: NonNullable<Extras['rootfs']>): NonNullable<Extras['rootfs']> {
  const whole = resolve(path);
  const stat = statSync(whole, { throwIfNoEntry: false });
  if (stat === undefined) throw refuse(`Cannot use "${whole}" as the root: no such file or directory`);
  if (!stat.isDirectory()) throw refuse(`Cannot use "${whole}" as the root: it is not a directory`);
  return { path: whole, overlay };
}

function requirement(store: Store, name: string): string {
  try {
    return findContainer(store, name).id;
  } catch (error) {
    if (!(error instanceof WherryError) || error.kind !== 'not-found') throw error;
    throw new WherryError('not-found', `"${name}" is not a valid container, cannot be used as a dependency`, {
      cause: error,
    });
  }
}

const ZONES = '/usr/share/zoneinfo';

/** The file of a zone. Throws kind `invalid` where this machine does not have it. */
export function zoneFile(zone: string): string {
  const path = zone === 'local' ? '/etc/localtime' : join(ZONES, zone);
  const isInside = zone === 'local' || (!isAbsolute(zone) && path.startsWith(`${ZONES}/`));
  if (isInside && statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
  throw refuse(
    `finding timezone: unknown time zone ${zone}`,
    'This machine must have it, too (Debian, Ubuntu: apt install tzdata)',
  );
}

function settleInit(path: string): string {
  const whole = resolve(path);
  if (existsSync(whole)) return whole;
  throw refuse(`container-init binary not found on the host: ${whole}: no such file or directory`);
}

/** --preserve-fds. The first descriptor that did not come with us is the one that Node waits for events with. */
export function checkDescriptors(count: number): void {
  for (let fd = 3; fd < 3 + count; fd += 1) {
    if (!/^(anon_inode:\[(eventpoll|io_uring)\])?$/.test(targetOf(fd))) continue;
    const why = 'the preserve-fds option requires that file descriptors must be passed';
    throw refuse(`file descriptor ${fd} is not available - ${why}`);
  }
}

/** What a descriptor of ours leads to; '' for none. */
function targetOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return '';
    throw error;
  }
}

/** A line of the host's /etc/passwd. Throws kind `invalid` where there is none. */
export function hostUser(name: string): string[] {
  const line = hostPasswd().find((fields) => fields[0] === name || fields[2] === name);
  if (line === undefined) throw refuse(`user: unknown user ${name}`, '--hostuser takes users of /etc/passwd');
  return line;
}

/** The host's /etc/passwd by fields. */
export function hostPasswd(): string[][] {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return [];
    throw error;
  }
}
