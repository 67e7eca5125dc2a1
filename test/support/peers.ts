/** The real docker and podman, for what compares with them: $WHERRY_PEERS is a program that runs `run USER docker …`. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Finished } from '#test/support/user.ts';

const program = process.env.WHERRY_PEERS ?? fileURLToPath(new URL('../../../shared/peers/peers', import.meta.url));
const SOCKET = process.env.DOCKER_HOST ?? 'unix:///tmp/dockerd/docker.sock';

function run(user: string, command: readonly string[], input?: string): Finished {
  const environment = { ...process.env, DOCKER_HOST: SOCKET };
  const done = spawnSync(program, ['run', user, ...command], {
    encoding: 'utf8',
    env: environment,
    input: input ?? '',
  });
  return { status: done.status, signal: done.signal, stdout: done.stdout, stderr: done.stderr };
}

/** `docker …` against a running Docker Engine, as root. */
export const docker = (args: readonly string[], input?: string) => run('root', ['docker', ...args], input);

/**
 * The same image in Docker's store as in ours, by its id: copied from the archive that comes with an installation.
 * Throws when it can't be brought there.
 */
export function bringImage(image: string, id: string): void {
  if (docker(['image', 'inspect', '--format', '{{.Id}}', image]).stdout.trim() === id) return;
  bringArchive(fileURLToPath(new URL('../../share/busybox.tar', import.meta.url)), `${image}:latest`);
}

/** The image of an OCI archive into Docker's store. Throws when it can't be brought there. */
export function bringArchive(archive: string, reference: string): void {
  const options = ['--insecure-policy', '--dest-daemon-host', SOCKET];
  const copied = run('root', ['skopeo', 'copy', ...options, `oci-archive:${archive}`, `docker-daemon:${reference}`]);
  if (copied.status !== 0) throw new Error(`${reference} could not be copied into Docker: ${copied.stderr}`);
}

/** A shell line among podman's surroundings. */
export const besidePodman = (user: string, line: string) => run(user, ['sh', '-c', line]);

/** Why there is nothing to compare with; undefined where there is. */
export const noPeers = existsSync(program) ? undefined : 'no peers here: set WHERRY_PEERS';
export const noDocker =
  noPeers ?? (docker(['version']).status === 0 ? undefined : `no Docker Engine answers at ${SOCKET}`);
