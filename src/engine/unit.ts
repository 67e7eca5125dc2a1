/**
 * Units of systemd that start something with the machine: a user's own (systemd.unit(5), ~/.config/systemd/user), or, for
 * root, the system's. They are enabled by their link, as systemctl does it, so that no manager need be reached.
 */
import { existsSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import type { Store } from '#store/store.ts';
import { replace } from '#sys/file.ts';
import { findTool, installation } from '#sys/host.ts';
import { run } from '#sys/process.ts';
import { managerEnvironment } from '#sys/scope.ts';

/** sd_booted(3). */
const BOOTED = '/run/systemd/system';

export interface UnitPlaces {
  env?: NodeJS.ProcessEnv;
  booted?: string;
}

/** The user's service manager runs from boot on, or from the first log-in to the last log-out; `none`: no systemd. */
type Linger = 'on' | 'off' | 'none';

export interface UnitState {
  path: string;
  enabled: boolean;
  /** root needs none: `on`. */
  linger: Linger;
}

/** How things are. name: `wherry-boot.service`. */
export async function readUnit(store: Store, name: string, places: UnitPlaces = {}): Promise<UnitState> {
  const { path, link } = whereFor(store, name, places);
  return { path, enabled: existsSync(path) && linkTarget(link) !== undefined, linger: await readLinger(store, places) };
}

/**
 * Writes and enables the unit; there already is fine. linger: turned on for this user, where that is allowed. byHand: the
 * command that does the same.
 * Throws kind `unsupported` where systemd does not run.
 */
export async function enableUnit(
  store: Store,
  { name, text, byHand, linger }: { name: string; text: string; byHand: string; linger: boolean },
  places: UnitPlaces = {},
): Promise<UnitState> {
  if (!existsSync(places.booted ?? BOOTED)) {
    throw new WherryError('unsupported', 'Cannot install a unit: systemd does not run here', {
      hint: `Have cron start containers: put "@reboot ${byHand}" into your table (crontab -e)`,
    });
  }
  const { path, link } = whereFor(store, name, places);
  mkdirSync(dirname(link), { recursive: true });
  replace(path, text, { mode: 0o644 });
  rmSync(link, { force: true });
  symlinkSync(path, link);
  await reload(store, places);
  if (linger && (await readLinger(store, places)) === 'off')
    await tool(store, places, 'loginctl', ['enable-linger', String(store.host.uid)]);
  return readUnit(store, name, places);
}

/** Removes it; not there is fine. Containers that run go on, and linger stays as it is: it may serve others. */
export async function disableUnit(store: Store, name: string, places: UnitPlaces = {}): Promise<UnitState> {
  const { path, link } = whereFor(store, name, places);
  rmSync(link, { force: true });
  rmSync(path, { force: true });
  if (existsSync(places.booted ?? BOOTED)) await reload(store, places);
  return readUnit(store, name, places);
}

export const isRoot = ({ host }: Store) => host.uid === 0;

export const programPath = () => join(installation(), 'bin/wherry');

function whereFor(store: Store, name: string, { env = process.env }: UnitPlaces): { path: string; link: string } {
  const own = env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : join(store.host.home, '.config');
  const folder = isRoot(store) ? '/etc/systemd/system' : join(own, 'systemd/user');
  const target = isRoot(store) ? 'multi-user.target' : 'default.target';
  return { path: join(folder, name), link: join(folder, `${target}.wants`, name) };
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

export interface UnitText {
  description: string;
  /** A page of the manual. */
  page: string;
  /** Lines of `[Unit]` and `[Service]` that only this one has. */
  unit?: readonly string[];
  service: readonly string[];
  isRoot: boolean;
  env: NodeJS.ProcessEnv;
}

/** The text of a unit that is done when its commands are, and counts as there from then on. */
export function unitText({ description, page, unit = [], service, isRoot: system, env }: UnitText): string {
  const kept = KEPT.flatMap((name) => (env[name] ? [`Environment=${quoted(`${name}=${env[name]}`)}`] : []));
  return [
    '[Unit]',
    `Description=${description.replaceAll('%', '%%')}`,
    `Documentation=man:${page}`,
    ...(system ? ['Wants=network-online.target', 'After=network-online.target'] : []),
    ...unit,
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    ...kept,
    ...service,
    '',
    '[Install]',
    `WantedBy=${system ? 'multi-user.target' : 'default.target'}`,
    '',
  ].join('\n');
}

/** systemd.syntax(7): C-style escapes in double quotes; % stands for itself when doubled. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('%', '%%')}"`;
}

/** A command line of a unit. Here, and not elsewhere, variables are put in (systemd.service(5)). */
export const commandLine = (program: string, words: readonly string[]) =>
  [program, ...words]
    .map((word, index) => (index > 0 && PLAIN.test(word) ? word : quoted(word).replaceAll('$', '$$$$')))
    .join(' ');

/** Words that mean themselves. */
const PLAIN = /^[A-Za-z0-9_./:=,@+-]+$/;

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
