import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const MAIN = join(import.meta.dirname, '../../../src/cli/main.ts');

let home = '';

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'wherry-main-'));
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

/** The environment that the launcher sets, with a store of our own. */
function environment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: home,
    WHERRY_PROGRAM: 'docker',
    WHERRY_ROOT: join(home, 'store'),
    WHERRY_RUNTIME_DIR: join(home, 'run'),
    WHERRY_NAMESPACE: 'user',
    ...extra,
  };
}

function docker(
  words: string[],
  extra: NodeJS.ProcessEnv = {},
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    encoding: 'utf8',
    env: environment(extra),
  });
  return { status, stdout, stderr };
}

const RUN_USAGE =
  "\n\nUsage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'docker run --help' for more information\n";

/** Texts and statuses are those of docker 28.5. */
describe('a mistake on the command line is answered as Docker answers it', () => {
  test.each([
    [['foo'], 1, "docker: unknown command: docker foo\n\nRun 'docker --help' for more information\n"],
    [
      ['container', 'foo'],
      1,
      "docker: unknown command: docker container foo\n\nUsage:  docker container\n\nRun 'docker container --help' for more information\n",
    ],
    [
      ['--foo'],
      125,
      "unknown flag: --foo\n\nUsage:  docker [OPTIONS] COMMAND [ARG...]\n\nRun 'docker --help' for more information\n",
    ],
    [
      ['container', '-x'],
      125,
      "unknown shorthand flag: 'x' in -x\n\nUsage:  docker container\n\nRun 'docker container --help' for more information\n",
    ],
    [['run', '--foo'], 125, `unknown flag: --foo${RUN_USAGE}`],
    [['run', '-m', 'x', 'busybox'], 125, `invalid argument "x" for "-m, --memory" flag: invalid size: 'x'${RUN_USAGE}`],
    [['run'], 1, `docker: 'docker run' requires at least 1 argument${RUN_USAGE.replace('Run ', 'See ')}`],
    [
      ['ps', 'extra'],
      1,
      "docker: 'docker ps' accepts no arguments\n\nUsage:  docker ps [OPTIONS]\n\nRun 'docker ps --help' for more information\n",
    ],
    [['-l', 'foo', 'ps'], 1, 'Unable to parse logging level: foo\n'],
    [['help', 'foo'], 1, 'unknown help topic: foo\n'],
    [
      ['stop', 'nosuch', 'other'],
      1,
      'Error response from daemon: No such container: nosuch\nError response from daemon: No such container: other\n',
    ],
    [
      ['run', '--pull', 'never', 'nosuch'],
      125,
      "docker: Error response from daemon: No such image: nosuch:latest\n\nRun 'docker run --help' for more information\n",
    ],
  ])('%j', (words, status, stderr) => {
    expect(docker(words)).toEqual({ status, stdout: '', stderr });
  });
});

/** Texts and statuses are those of docker compose 2.40. */
describe('compose says what is wrong with its command line in one line', () => {
  test.each([
    [['compose', '--foo', 'config'], 'unknown flag: --foo\n'],
    [['compose', '-f', 'x', 'config', '--foo'], 'unknown flag: --foo\n'],
    [['compose', '--file', '/nowhere/x.yaml', 'config'], 'open /nowhere/x.yaml: no such file or directory\n'],
    [
      ['compose', '--parallel', 'x', 'config'],
      'invalid argument "x" for "--parallel" flag: strconv.ParseInt: parsing "x": invalid syntax\n',
    ],
    [['compose', 'ls', 'x'], 'unknown command "x" for "docker compose ls"\n'],
    [['compose', 'exec', 'x'], 'requires at least 2 arg(s), only received 1\n'],
  ])('%j', (words, stderr) => {
    expect(docker(words)).toEqual({ status: 1, stdout: '', stderr });
  });

  test('a limit that is no number is told of, unless a flag says another', () => {
    const environment = { COMPOSE_PARALLEL_LIMIT: 'x' };
    expect(docker(['compose', 'version', '--short'], environment)).toMatchObject({
      status: 1,
      stderr: 'COMPOSE_PARALLEL_LIMIT must be an integer (found: "x")\n',
    });
    expect(docker(['compose', '--parallel', '2', 'version', '--short'], environment).status).toBe(0);
  });

  test('an unknown command brings the help, with the flags that stand before a command', () => {
    const done = docker(['compose', '-p', 'x', 'foo']);
    expect(done).toMatchObject({ status: 1, stderr: 'unknown docker command: "compose foo"\n' });
    expect(done.stdout).toMatch(/^Usage: {2}docker compose \[OPTIONS\] COMMAND\n[\s\S]* {2}-f, --file stringArray /);
    expect(docker(['compose'])).toEqual({ status: 0, stdout: done.stdout, stderr: '' });
  });
});

describe('flags before the command', () => {
  test('that lead to a daemon are refused, but for what is harmless in them', () => {
    expect(docker(['-H', 'tcp://x', 'ps']).stderr).toMatch(/^Cannot use --host: .*\nhint: Leave --host out\n$/);
    expect(docker(['--tlsverify', 'ps']).status).toBe(1);
    expect(docker(['-c', 'default', '--tls=false', 'ps', '-q'])).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('--debug shows where an error comes from', () => {
    expect(docker(['-D', 'run', '--pull', 'never', 'nosuch']).stderr).toMatch(
      /\n\nWherryError: No such image: nosuch:latest\n {4}at /,
    );
  });

  test('--version is one line, which tools read when we are called docker', () => {
    expect(docker(['--version']).stdout).toMatch(/^Docker version 28\.\d+\.\d+, build wherry-\d/);
    expect(docker(['-v'], { WHERRY_PROGRAM: 'wherry' }).stdout).toMatch(/^wherry version \d+\.\d+\.\d+\n$/);
  });
});

test('without a command the help is printed, and help comes in three ways', () => {
  expect(docker([]).stderr).toMatch(/^Usage: {2}docker \[OPTIONS\] COMMAND\n/);
  const help = docker(['stop', '--help']);
  expect(help).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^Usage: {2}docker stop /) });
  expect(docker(['help', 'stop']).stdout).toBe(help.stdout);
  expect(docker(['stop', '-h'])).toMatchObject({
    stdout: `Flag shorthand -h has been deprecated, use --help\n${help.stdout}`,
    stderr: '',
  });
});

test('what needs no store works without the launcher; what needs one says who is missing', () => {
  const bare = { WHERRY_NAMESPACE: 'none' };
  expect(docker(['completion', 'bash'], bare).stdout).toContain('complete -o default -F _docker docker');
  expect(docker(['__complete', 'sto'], bare).stdout).toBe('stop\tStop one or more running containers\n');
  expect(docker(['ps'], bare)).toMatchObject({ status: 1, stderr: expect.stringContaining('hint: Run bin/wherry') });
});

test('a reader that has gone ends the command quietly, as SIGPIPE would', async () => {
  const child = spawn(process.execPath, [MAIN, 'completion', 'bash'], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const [status] = await once(child, 'close');
  expect([status, stderr]).toEqual([141, '']);
});

test.each([
  'buildx --builder nope history ls',
  'buildx history --builder nope ls',
  'buildx -D history --builder nope ls',
  'buildx imagetools --builder nope inspect 127.0.0.1:9/x',
  'buildx imagetools inspect --builder nope 127.0.0.1:9/x',
  'buildx imagetools create --builder nope -t 127.0.0.1:9/x 127.0.0.1:9/y',
])('a builder that nobody has made is refused wherever its flag stands: %s', (line) => {
  const { status, stderr } = docker(line.split(' '));
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^ERROR: no builder "nope" found\n/) });
});

test('buildx use takes the builder as a name or in --builder', () => {
  expect(docker(['buildx', 'use', '--builder', 'default'])).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(docker(['buildx', 'use', 'default'])).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(docker(['buildx', 'use']).stderr).toMatch(/^ERROR: a name of a builder is needed\n/);
});

test('imagetools create says what is wrong with its line before it reads a file of sources', () => {
  expect(docker(['buildx', 'imagetools', 'create', '-f', '/no/such']).stderr).toMatch(
    /^ERROR: can't push with no tags/,
  );
});
