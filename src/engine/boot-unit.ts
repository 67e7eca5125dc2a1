/**
 * The unit of systemd that starts containers with the machine: a user's own (systemd.unit(5), ~/.config/systemd/user),
 * or, for root, the system's. It is enabled by its link, as systemctl does it, so that no manager need be reached.
 */
import { existsSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import type { Store } from '#store/store.ts';
import { replace } from '#sys/file.ts';
import { findTool, installation } from '#sys/host.ts';
import { run } from '#sys/process.ts';
import { managerEnvironment } from '#sys/scope.ts';

const NAME = 'wherry-boot.service';

/** sd_booted(3). */
const BOOTED = '/run/systemd/system';

interface UnitPlaces {
  env?: NodeJS.ProcessEnv;
  booted?: string;
}

/** The user's service manager runs from boot on, or from the first log-in to the last log-out; `none`: no systemd. */
type Linger = 'on' | 'off' | 'none';

export interface BootUnit {
  path: string;
  enabled: boolean;
  /** root needs none: `on`. */
  linger: Linger;
}

/** How things are. */
export async function readBootUnit(store: Store, places: UnitPlaces = {}): Promise<BootUnit> {
  const { path, link } = whereFor(store, places);
  return { path, enabled: existsSync(path) && linkTarget(link) !== undefined, linger: await readLinger(store, places) };
}

/**
 * Writes and enables the unit; there already is fine. linger: turned on for this user, where that is allowed.
 * Throws kind `unsupported` where systemd does not run.
 */
export async function enableBoot(
  store: Store,
  { linger }: { linger: boolean },
  places: UnitPlaces = {},
): Promise<BootUnit> {
  if (!existsSync(places.booted ?? BOOTED)) {
    throw new WherryError('unsupported', 'Cannot install a unit: systemd does not run here', {
      hint: `Have cron start containers: put "@reboot ${programPath()} system boot run" into your table (crontab -e)`,
    });
  }
  const { path, link } = whereFor(store, places);
  mkdirSync(dirname(link), { recursive: true });
  replace(path, unitText({ program: programPath(), isRoot: isRoot(store), env: places.env ?? process.env }), {
    mode: 0o644,
  });
  rmSync(link, { force: true });
  symlinkSync(path, link);
  await reload(store, places);
  if (linger && (await readLinger(store, places)) === 'off')
    await tool(store, places, 'loginctl', ['enable-linger', String(store.host.uid)]);
  return readBootUnit(store, places);
}

/** Removes it; not there is fine. Containers that run go on, and linger stays as it is: it may serve others. */
export async function disableBoot(store: Store, places: UnitPlaces = {}): Promise<BootUnit> {
  const { path, link } = whereFor(store, places);
  rmSync(link, { force: true });
  rmSync(path, { force: true });
  if (existsSync(places.booted ?? BOOTED)) await reload(store, places);
  return readBootUnit(store, places);
}

const isRoot = ({ host }: Store) => host.uid === 0;

const programPath = () => join(installation(), 'bin/wherry');

function whereFor(store: Store, { env = process.env }: UnitPlaces): { path: string; link: string } {
  const own = env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : join(store.host.home, '.config');
  const folder = isRoot(store) ? '/etc/systemd/system' : join(own, 'systemd/user');
  const target = isRoot(store) ? 'multi-user.target' : 'default.target';
  return { path: join(folder, NAME), link: join(folder, `${target}.wants`, NAME) };
}

function linkTarget(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EINVAL')) return undefined;
    throw error;
  }
}

/** What has decided where this store is, and with which runtime containers run, must hold at the boot, too. */
const KEPT = ['WHERRY_ROOT', 'WHERRY_RUNTIME', 'XDG_DATA_HOME', 'XDG_CONFIG_HOME'];

/** The unit's text: the containers' monitors leave it, so stopping it ends nothing. */
export function unitText({
  program,
  isRoot: system,
  env,
}: {
  program: string;
  isRoot: boolean;
  env: NodeJS.ProcessEnv;
}): string {
  const kept = KEPT.flatMap((name) => (env[name] ? [`Environment=${quoted(`${name}=${env[name]}`)}`] : []));
  return [
    '[Unit]',
    'Description=Containers of wherry that start with the machine',
    'Documentation=man:wherry-system-boot(1)',
    ...(system ? ['Wants=network-online.target', 'After=network-online.target'] : []),
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    ...kept,
    // Here, and not above, variables are put in (systemd.service(5)).
    `ExecStart=${quoted(program).replaceAll('$', '$$$$')} system boot run`,
    '',
    '[Install]',
    `WantedBy=${system ? 'multi-user.target' : 'default.target'}`,
    '',
  ].join('\n');
}

/** systemd.syntax(7): C-style escapes in double quotes; % stands for itself when doubled. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`;
}

/** A manager that can't be reached reads the unit when it starts. */
async function reload(store: Store, places: UnitPlaces): Promise<void> {
  await tool(store, places, 'systemctl', [...(isRoot(store) ? [] : ['--user']), 'daemon-reload']);
}

async function readLinger(store: Store, places: UnitPlaces): Promise<Linger> {
  if (!existsSync(places.booted ?? BOOTED)) return 'none';
  if (isRoot(store)) return 'on';
  const said = await tool(store, places, 'loginctl', [
    'show-user',
    String(store.host.uid),
    '--property=Linger',
    '--value',
  ]);
  // Whom logind does not know is not logged in and does not linger.
  return said?.trim() === 'yes' ? 'on' : 'off';
}

/** What it printed; undefined where it is not there or failed. */
async function tool(
  { host }: Store,
  { env = process.env }: UnitPlaces,
  name: string,
  args: readonly string[],
): Promise<string | undefined> {
  const path = findTool(name, env);
  if (path === undefined) return undefined;
  const { status, stdout } = await run(path, args, { env: managerEnvironment(host.uid, env) });
  return status === 0 ? stdout : undefined;
}
