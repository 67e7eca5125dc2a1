/** What scripts and shells meet: the name docker, completion, contexts, the user's own formats; and the end of it all. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, removeContainers, succeed, wherry } from '#test/support/wherry.ts';

const user = testUser();
const dockerPath = () => join(inject('prefix'), 'bin/docker');
const docker = (...args: string[]) => user.run(dockerPath(), args);
const shell = (script: string, program = 'bash') =>
  user.run(program, ['-c', script], { env: { PATH: `${join(inject('prefix'), 'bin')}:/usr/bin:/bin` } });

beforeAll(() => succeed('create', '--name', 'output-web', '--network', 'none', BUSYBOX, 'sleep', '1000'));
afterAll(() => removeContainers());

test.each([
  [['run'], /'docker run' requires at least 1 argument[\s\S]*Usage: {2}docker run \[OPTIONS\]/],
  [['nothing'], /^docker: unknown command: docker nothing\n\nRun 'docker --help'/],
  [['ps', '--nothing'], /Usage: {2}docker ps \[OPTIONS\]\n\nRun 'docker ps --help'/],
  [['container', 'nothing'], /docker: unknown command: docker container nothing\n\nUsage: {2}docker container/],
  [['--nothing'], /Usage: {2}docker \[OPTIONS\] COMMAND/],
])('called as docker, %j speaks of docker', async (args, words) => {
  const done = await docker(...args);
  expect(done.stderr).toMatch(words);
  expect(done.stderr).not.toMatch(/wherry/);
});

test('called as docker it tells the version of Docker whose commands these are', async () => {
  expect((await docker('--version')).stdout).toMatch(/^Docker version 28\.\d+\.\d+, build wherry-/);
  expect((await docker('version', '--format', '{{.Server.Version}}')).stdout).toMatch(/^28\./);
  expect(await succeed('version', '--format', '{{.Server.Version}}')).not.toMatch(/^28\./);
});

test('the user’s own formats hold where no other is asked for', async () => {
  mkdirSync(join(user.home, 'formats'), { recursive: true });
  const file = join(user.home, 'formats/config.json');
  writeFileSync(file, '{"psFormat":"<{{.Names}}>","detachKeys":"ctrl-a"}');
  const config = ['--config', join(user.home, 'formats')];
  expect(await succeed(...config, 'ps', '-a', '--filter', 'name=output-web')).toBe('<output-web>');
  expect(await succeed(...config, 'ps', '-a', '--filter', 'name=output-web', '--format', '{{.State}}')).toBe('created');
  writeFileSync(file, '{"psFormat":');
  const done = await wherry([...config, 'ps']);
  expect(done.stderr).toMatch(/^WARNING: Error parsing config file \(.*config\.json\): /);
  expect(done.status).toBe(0);
});

test('scripts that ask for the context are answered, and one that leads to a daemon is refused', async () => {
  expect(await succeed('context', 'show')).toBe('default');
  expect(await succeed('context', 'ls', '-q')).toBe('default');
  expect(await succeed('-c', 'default', 'context', 'use', 'default')).toBe('default');
  const done = await wherry(['-H', 'tcp://host:2375', 'ps']);
  expect([done.status, done.stderr]).toEqual([1, expect.stringMatching(/^Cannot use --host: .*without a daemon/)]);
});

describe('completion', () => {
  const bash = async (line: string): Promise<string[]> => {
    const script = `
      source "${inject('prefix')}/share/bash-completion/completions/docker"
      compopt() { :; }
      COMP_LINE=${JSON.stringify(line)} COMP_POINT=${line.length} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
      _docker && printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await shell(script);
    return stdout.split('\n').filter(Boolean);
  };

  test.each([
    ['docker start output', ['output-web']],
    ['docker stop output', []],
    ['docker run localhost/busybox:', ['latest']],
    ['docker run --network=no', ['none']],
    ['docker run --pid container:output', ['output-web']],
    ['docker cp output', ['output-web:']],
    ['docker netw', ['network']],
  ])('in bash: %s', async (line, answers) => {
    expect(await bash(line)).toEqual(answers);
  });

  const programs = { bash: '-n', zsh: '-n', fish: '-n' };
  test.each(Object.entries(programs))('its script is one that %s can read', async (program, flag) => {
    if (!existsSync(`/usr/bin/${program}`)) return;
    const script = join(user.home, `completion.${program}`);
    writeFileSync(script, await succeed('completion', program));
    expect(await user.run(program, [flag, script])).toMatchObject({ status: 0, stderr: '' });
  });
});

test('ps tells podman’s namespaces, in podman’s order', async () => {
  await succeed('run', '-d', '--name', 'output-up', '--network', 'none', BUSYBOX, 'sleep', '1000');
  const inside = await succeed('exec', 'output-up', 'readlink', '/proc/self/ns/net');
  const rows = await succeed('ps', '--ns', '--format', '{{.Names}} net:[{{.NET}}]', '--filter', 'name=output-up');
  expect(rows).toBe(`output-up ${inside}`);
  const sorted = await succeed('ps', '-a', '--sort', 'names', '--format', '{{.Names}}', '--filter', 'name=output');
  expect(sorted.split('\n')).toEqual(['output-up', 'output-web']);
});

describe('system reset', () => {
  const place = { WHERRY_ROOT: join(user.home, 'reset'), XDG_RUNTIME_DIR: join(user.home, 'reset-run') };
  const there = (args: string[], input = '') => wherry(args, { env: place, input });

  test('asks first, then removes everything: containers that run, mounts, volumes, and no directory of the host’s', async () => {
    await user.run('mkdir', ['-p', '-m', '700', place.XDG_RUNTIME_DIR, join(user.home, 'kept')]);
    await user.run('sh', ['-c', 'echo kept > kept/file']);
    await there(['volume', 'create', '-o', 'type=none', '-o', 'o=bind', '-o', `device=${user.home}/kept`, 'bound']);
    const run = ['run', '-d', '--network', 'none', '--restart', 'always', '-v', 'bound:/bound'];
    const { stdout } = await there([...run, BUSYBOX, 'sleep', '1000']);
    const pid = (await there(['inspect', '-f', '{{.State.Pid}}', stdout.trim()])).stdout.trim();
    expect(existsSync(`/proc/${pid}/cmdline`)).toBe(true);

    expect((await there(['system', 'reset'], 'n\n')).stdout).toMatch(
      /^WARNING! This will remove:\n {2}- all containers/,
    );
    expect((await there(['ps', '-q'])).stdout).not.toBe('');

    expect(await there(['system', 'reset', '--force'])).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(existsSync(place.WHERRY_ROOT)).toBe(false);
    expect(existsSync(join(place.XDG_RUNTIME_DIR, 'wherry'))).toBe(false);
    expect(existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toBeFalsy();
    expect(readFileSync(join(user.home, 'kept/file'), 'utf8')).toBe('kept\n');
    // And it can begin anew.
    expect((await there(['run', '--rm', '--network', 'none', BUSYBOX, 'echo', 'anew'])).stdout).toBe('anew\n');
    await there(['system', 'reset', '-f']);
  });
});
