/** The real docker and podman, for what compares with them: engine.ts found them or started them. */
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { peers } from '#test/support/engine.ts';
import type { Finished } from '#test/support/user.ts';

const { through, host, lacks } = inject('engine');
const env = host === undefined ? process.env : { ...process.env, DOCKER_HOST: host };

function run(command: readonly string[], input?: string): Finished {
  const [program = '', ...args] = command;
  const done = spawnSync(program, args, { encoding: 'utf8', env, input: input ?? '' });
  return { status: done.status, signal: done.signal, stdout: done.stdout, stderr: done.stderr };
}

/** A word as a shell reads it back. */
export const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

/** `docker …` against the Docker Engine. */
export const docker = (args: readonly string[], input?: string) => run([...through, 'docker', ...args], input);

/** A shell line where `docker` reaches the Docker Engine. */
export const dockerShell = (line: string) => run([...through, 'sh', '-c', line]);

/** The same, while others run; one at a time. */
export async function dockerMeanwhile(args: readonly string[], input = ''): Promise<Finished> {
  shell ??= startShell();
  const { stdin, answers } = shell;
  const [given, out, err] = ['in', 'out', 'err'].map((name) => join(inject('scratch'), name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(given, input);
  const command = ['docker', ...args].map(quoted).join(' ');
  stdin.write(`${command} <${given} >${out} 2>${err}; echo $?\n`);
  const [status] = await once(answers, 'line');
  return { status: Number(status), signal: null, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') };
}

/** Lasts as long as the tests: to enter the peers' surroundings takes longer than docker itself. */
let shell: ReturnType<typeof startShell> | undefined;

function startShell() {
  const [program = '', ...words] = [...through, 'sh'];
  const { stdin, stdout } = spawn(program, words, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  return { stdin, answers: createInterface({ input: stdout }) };
}

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
  // The peers see the directory for temporary files, and not every other place where a clone may stand.
  const seen = join(inject('scratch'), `${randomUUID()}.tar`);
  copyFileSync(archive, seen);
  const options = ['--insecure-policy', ...(host === undefined ? [] : ['--dest-daemon-host', host])];
  const copied = run([...through, 'skopeo', 'copy', ...options, `oci-archive:${seen}`, `docker-daemon:${reference}`]);
  rmSync(seen);
  if (copied.status !== 0) throw new Error(`${reference} could not be copied into Docker: ${copied.stderr}`);
}

/** A shell line among podman's surroundings. */
export const besidePodman = (user: string, line: string) => run([peers, 'run', user, 'sh', '-c', line]);

/** Why there is nothing to compare with; undefined where there is. */
export const noPeers = existsSync(peers) ? undefined : 'no peers here: set WHERRY_PEERS';
export const noDocker = lacks;
