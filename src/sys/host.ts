/** What this machine and this user have: directories, the boot, the tools. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WherryError } from '#base/error.ts';

/** How the launcher brought us in: a user namespace with ranges, with a single id, real root, or no namespace at all. */
export type Namespace = 'user' | 'single' | 'root' | 'none';

export interface Host {
  /** The store's root. */
  root: string;
  /** What a reboot may forget: sockets, the holder, monitors. */
  runtime: string;
  /** Ids outside of the namespace. */
  uid: number;
  gid: number;
  namespace: Namespace;
  /** Names this boot: state from before it is void. */
  bootId: string;
  home: string;
}

/** Reads what the launcher handed over in the environment. Throws kind `unsupported` when it was not the launcher. */
export function host(env: NodeJS.ProcessEnv = process.env): Host {
  const runtime = env.WHERRY_RUNTIME_DIR;
  const namespace = (env.WHERRY_NAMESPACE ?? 'none') as Namespace;
  if (runtime === undefined || namespace === 'none') {
    throw new WherryError('unsupported', 'Cannot reach the user namespace: wherry was not started by its launcher', {
      hint: 'Run bin/wherry, not dist/main.js',
    });
  }
  const home = env.HOME ?? homedir();
  return {
    root: storeRoot(env, namespace, home),
    runtime,
    uid: Number(env.WHERRY_UID ?? 0),
    gid: Number(env.WHERRY_GID ?? 0),
    namespace,
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    home,
  };
}

/** $WHERRY_ROOT, else root's /var/lib/wherry, else $XDG_DATA_HOME/wherry (~/.local/share/wherry). */
function storeRoot(env: NodeJS.ProcessEnv, namespace: Namespace, home: string): string {
  if (env.WHERRY_ROOT) return env.WHERRY_ROOT;
  if (namespace === 'root') return '/var/lib/wherry';
  const data = env.XDG_DATA_HOME;
  // The XDG specification voids relative paths.
  return join(data?.startsWith('/') ? data : join(home, '.local/share'), 'wherry');
}

const SBIN = [
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
  '/usr/libexec/podman',
  '/usr/lib/podman',
  '/usr/local/bin',
  '/usr/bin',
  '/bin',
];

/** A program's path: $PATH first, then where distributions put what ordinary users' paths leave out. */
export function findTool(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  for (const directory of [...(env.PATH ?? '').split(delimiter), ...SBIN]) {
    if (!directory.startsWith('/')) continue;
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here: the next directory may have it.
    }
  }
  return undefined;
}

/** As findTool(), but throws kind `unsupported` with the package to install. */
export function needTool(name: string, debianPackage: string): string {
  const path = findTool(name);
  if (path !== undefined) return path;
  throw new WherryError('unsupported', `Cannot run "${name}": it is not installed`, {
    hint: `Install it (Debian, Ubuntu: apt install ${debianPackage})`,
  });
}

/** Where wherry itself is installed: a checkout, or lib/wherry. The launcher says it; tests run from the sources. */
export function installation(env: NodeJS.ProcessEnv = process.env): string {
  return env.WHERRY_HOME ?? fileURLToPath(new URL('../..', import.meta.url));
}

/** The path of an image archive that came with the installation; undefined where there is none. */
export function embeddedArchive(name: string): string | undefined {
  const path = join(installation(), 'share', `${name}.tar`);
  return existsSync(path) ? path : undefined;
}
