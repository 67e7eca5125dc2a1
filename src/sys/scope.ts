/** The unit of systemd that this process is in: it decides how long containers live, and what crun may move. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from '#sys/file.ts';
import { findTool } from '#sys/host.ts';
import { run } from '#sys/process.ts';
import { randomHex } from '#sys/random.ts';

export interface ScopePlaces {
  /** /proc/self/cgroup. */
  own: string;
  /** systemd's sign that it booted the machine: sd_booted(3). */
  booted: string;
}

const PLACES: ScopePlaces = { own: '/proc/self/cgroup', booted: '/run/systemd/system' };

/** How long the manager may take to move us, in milliseconds; it says so before it does. */
const PATIENCE = 2_000;

/**
 * Moves this process, and so what it will start, from a log-in session (or whatever else is not the user's service
 * manager's) into a scope of the manager's. A session's end may take its processes along (logind.conf(5):
 * KillUserProcesses=), and out of a session no user may move a process into a container's cgroup, as `exec` does:
 * the kernel asks for the common ancestor (cgroups(7), "delegation containment").
 * Where there is no such manager, or where it refuses, everything stays as it is. uid: outside of the namespace.
 */
export async function leaveSession(
  uid: number,
  env: NodeJS.ProcessEnv = process.env,
  places: ScopePlaces = PLACES,
): Promise<void> {
  if (uid === 0 || (readText(places.own) ?? '').includes(`/user@${uid}.service/`)) return;
  await ownScope(uid, env, places);
}

/**
 * The same from wherever this process is, and for root too: a unit that has started containers may end, or be stopped,
 * and they stay. In such a scope already: nothing happens.
 */
export async function ownScope(
  uid: number,
  env: NodeJS.ProcessEnv = process.env,
  places: ScopePlaces = PLACES,
): Promise<void> {
  const full = managerEnvironment(uid, env);
  if (!existsSync(places.booted)) return;
  if (uid !== 0 && !existsSync(join(full.XDG_RUNTIME_DIR, 'bus'))) return;
  const own = () => readText(places.own) ?? '';
  if (/\/wherry-[0-9a-f]{16}\.scope$/m.test(own())) return;
  const busctl = findTool('busctl', env);
  if (busctl === undefined) return;
  const unit = `wherry-${randomHex(8)}.scope`;
  const manager = uid === 0 ? '--system' : '--user';
  const { status } = await run(busctl, [manager, ...transientScope(unit, process.pid)], { env: full });
  if (status !== 0) return;
  const deadline = Date.now() + PATIENCE;
  while (!own().includes(unit) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** The environment in which programs find the user's service manager: under su(1) or cron(8) it does not say where. */
export function managerEnvironment(
  uid: number,
  env: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv & { XDG_RUNTIME_DIR: string } {
  return { ...env, XDG_RUNTIME_DIR: env.XDG_RUNTIME_DIR || `/run/user/${uid}` };
}

/** org.freedesktop.systemd1(5): StartTransientUnit(name, mode, properties, auxiliary units). */
function transientScope(unit: string, pid: number): string[] {
  const properties = [
    ['Description', 's', 'wherry: a command and the monitors of its containers'],
    ['CollectMode', 's', 'inactive-or-failed'],
    ['PIDs', 'au', '1', String(pid)],
  ];
  return [
    ...['--quiet', '--timeout=5', 'call', 'org.freedesktop.systemd1', '/org/freedesktop/systemd1'],
    ...['org.freedesktop.systemd1.Manager', 'StartTransientUnit', 'ssa(sv)a(sa(sv))', unit, 'fail'],
    ...[String(properties.length), ...properties.flat(), '0'],
  ];
}
