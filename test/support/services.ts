/** An image with real services, made by mmdebstrap from the distribution's own packages: nginx, postgres and redis. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeArchive } from '#test/support/image.ts';

export const SERVICES = 'localhost/services:latest';

/** Why there can be no such image here; undefined where there can. */
export const noServices = existsSync('/usr/bin/mmdebstrap') ? undefined : 'mmdebstrap is not installed';

const osRelease = () => readFileSync('/etc/os-release', 'utf8');
const suite = () => /^VERSION_CODENAME=(.*)$/m.exec(osRelease())?.[1] ?? 'stable';
/** This machine's own sources: it may reach no other mirror. */
const sources = () =>
  ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'].filter((path) => existsSync(path)).slice(0, 1);

/** The files of a small Debian with these packages, as a tar archive. */
export async function debianLayer(packages: string): Promise<Buffer> {
  const tar = join(tmpdir(), `wherry-debian-${process.pid}.tar`);
  const options = ['--quiet', '--variant=minbase', `--include=${packages}`];
  execFileSync('mmdebstrap', [...options, suite(), tar, ...sources()], { stdio: 'pipe' });
  const bytes = readFileSync(tar);
  rmSync(tar);
  return bytes;
}

/** Makes the archive (a minute, half a gigabyte); the caller removes it. */
export async function makeServices(): Promise<string> {
  const archive = join(tmpdir(), `wherry-services-${process.pid}.tar`);
  const layers = [await debianLayer('nginx-light,postgresql,redis-server')];
  const config = { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['bash'] };
  await writeArchive(archive, [{ reference: SERVICES, layers, config, compression: 'none' }]);
  chmodSync(archive, 0o644);
  return archive;
}
