/** Makes share/busybox.tar, the image that comes with wherry, from this machine's static busybox. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Entry, writeArchive } from '#test/support/image.ts';

const FOLDERS = [
  'bin',
  'dev',
  'etc',
  'home',
  'proc',
  'root',
  'sbin',
  'sys',
  'tmp',
  'usr',
  'usr/bin',
  'usr/sbin',
  'var',
];
const MODES: Record<string, number> = { root: 0o700, tmp: 0o1777 };

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`;
const GROUP = `root:x:0:
daemon:x:1:
www-data:x:33:
nogroup:x:65534:
`;

/** What the image holds: busybox under each of its names, and the few files that programs expect. */
export function busyboxEntries(program: string): Entry[] {
  const applets = execFileSync(program, ['--list-full'], { encoding: 'utf8' }).split('\n').filter(Boolean);
  const links = new Set([...applets, 'bin/sh'].filter((path) => path !== 'bin/busybox' && !path.startsWith('linuxrc')));
  return [
    ...FOLDERS.map((name): Entry => ({ name: `${name}/`, type: 'directory', mode: MODES[name] ?? 0o755 })),
    { name: 'bin/busybox', mode: 0o755, content: readFileSync(program) },
    { name: 'etc/passwd', mode: 0o644, content: PASSWD },
    { name: 'etc/group', mode: 0o644, content: GROUP },
    ...[...links].sort().map((name): Entry => ({ name, type: 'symlink', linkname: '/bin/busybox', mode: 0o777 })),
  ];
}

/** A busybox that runs without anything beside it. */
function staticBusybox(): string | undefined {
  return ['/bin/busybox', '/usr/bin/busybox', '/usr/bin/busybox.static'].find(
    (path) => existsSync(path) && !readFileSync(path).includes('/ld-linux'),
  );
}

export const BUSYBOX_CONFIG = {
  Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  Cmd: ['sh'],
};

async function main(): Promise<void> {
  const program = staticBusybox();
  if (program === undefined) {
    process.stderr.write('No static busybox here (Debian: busybox-static): localhost/busybox will not be there\n');
    return;
  }
  const share = fileURLToPath(new URL('../../share', import.meta.url));
  mkdirSync(share, { recursive: true });
  const layers = [busyboxEntries(program)];
  await writeArchive(`${share}/busybox.tar.new`, [
    { reference: 'localhost/busybox:latest', layers, config: BUSYBOX_CONFIG },
  ]);
  renameSync(`${share}/busybox.tar.new`, `${share}/busybox.tar`);
}

if (import.meta.main) await main();
