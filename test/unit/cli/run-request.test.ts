import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { camelCase, parseFlags } from '#cli/parse.ts';
import { parseDevice } from '#cli/run-devices.ts';
import { REQUEST_FLAGS, type RequestValues } from '#cli/run-flags.ts';
import { parseRestart, requestFrom } from '#cli/run-request.ts';
import { temporaryDirectory } from '#test/support/store.ts';

/** The request of a command line: `flags IMAGE [COMMAND]`. */
function requestOf(...words: string[]) {
  const { args, values, given } = parseFlags(words, REQUEST_FLAGS, { interspersed: false });
  return requestFrom({ args, values: values as unknown as RequestValues, given });
}

const configOf = (...words: string[]) => requestOf(...words, 'busybox').config;
const hostOf = (...words: string[]) => requestOf(...words, 'busybox').hostConfig;

test('every flag that is declared is read: none is taken and ignored', () => {
  const { values, given } = parseFlags(['busybox'], REQUEST_FLAGS, { interspersed: false });
  const read = new Set<string>();
  const watched = new Proxy(values, {
    get: (target, name: string) => {
      read.add(name);
      return target[name];
    },
  });
  requestFrom({ args: ['busybox'], values: watched as unknown as RequestValues, given });
  // --entrypoint and --init are looked at when they were given, as with Docker.
  const unread = Object.keys(REQUEST_FLAGS)
    .map(camelCase)
    .filter((name) => !read.has(name));
  // --kernel-memory is as without effect as with Docker; the others, Windows' own, are refused before (windowsMistake).
  const foreign = ['cpuCount', 'cpuPercent', 'ioMaxbandwidth', 'ioMaxiops', 'kernelMemory'];
  expect(unread.toSorted()).toEqual([...foreign, 'entrypoint'].toSorted());
  expect(configOf('--entrypoint', 'x').Entrypoint).toEqual(['x']);
});

test('--use-api-socket brings what the client knows of registries but to who names a place for it', () => {
  const home = temporaryDirectory();
  mkdirSync(join(home, '.docker'));
  writeFileSync(join(home, '.docker/config.json'), '{}');
  vi.stubEnv('HOME', home);
  vi.stubEnv('DOCKER_CONFIG', undefined);
  vi.stubEnv('DOCKER_HOST', 'unix:///run/here.sock');
  onTestFinished(() => void vi.unstubAllEnvs());
  const made = (...words: string[]) => {
    const { config, hostConfig } = requestOf('--use-api-socket', '-e', 'A=1', ...words, 'busybox');
    return { env: config.Env, mounts: hostConfig.Mounts };
  };
  const socket = { Type: 'bind', Source: '/run/here.sock', Target: '/var/run/docker.sock' };
  const source = join(home, '.docker/config.json');
  expect(made()).toEqual({
    env: ['A=1', 'DOCKER_CONFIG=/run/secrets/docker'],
    mounts: [socket, { Type: 'bind', Source: source, Target: '/run/secrets/docker/config.json', ReadOnly: true }],
  });
  expect(made('-e', 'DOCKER_CONFIG=/own')).toEqual({ env: ['A=1', 'DOCKER_CONFIG=/own'], mounts: [socket] });
});

test('flags end at the image: what follows is the command', () => {
  const { config } = requestOf('-i', 'busybox', 'ls', '-t', '--rm');
  expect(config).toMatchObject({ Image: 'busybox', Cmd: ['ls', '-t', '--rm'], OpenStdin: true, Tty: false });
});

test.each([
  [[], [false, true, true, false]],
  [['-i'], [true, true, true, true]],
  [
    ['-a', 'STDERR'],
    [false, false, true, false],
  ],
  [
    ['-i', '-a', 'stdout'],
    [true, true, false, true],
  ],
  [
    ['-a', 'stdin'],
    [true, false, false, false],
  ],
])('with %j the streams are %j', (words, expected) => {
  const { AttachStdin, AttachStdout, AttachStderr, StdinOnce } = configOf(...words);
  expect([AttachStdin, AttachStdout, AttachStderr, StdinOnce]).toEqual(expected);
});

describe('variables and labels', () => {
  test('come from the command line, and from our own environment where they have no value', () => {
    process.env.WHERRY_TEST_OURS = 'ours';
    expect(configOf('-e', 'A=1', '-e', 'WHERRY_TEST_OURS', '-e', 'WHERRY_TEST_NOT', '-e', 'B=').Env).toEqual([
      'A=1',
      'WHERRY_TEST_OURS=ours',
      'WHERRY_TEST_NOT',
      'B=',
    ]);
  });

  test('count once, as they were given last', () => {
    expect(configOf('-e', 'A=1', '-e', 'B=1', '-e', 'A', '-e', 'B=2').Env).toEqual(['A', 'B=2']);
  });

  test('come from files first', () => {
    process.env.WHERRY_TEST_OURS = 'ours';
    const file = join(temporaryDirectory(), 'env');
    writeFileSync(file, '\uFEFFA=1\r\n# no\n\n   B=2 \nWHERRY_TEST_OURS\nWHERRY_TEST_NOT\nC==\n');
    expect(configOf('-e', 'D=4', '--env-file', file).Env).toEqual([
      'A=1',
      'B=2 ',
      'WHERRY_TEST_OURS=ours',
      'C==',
      'D=4',
    ]);
    expect(configOf('--label-file', file, '-l', 'A=2', '-l', 'x').Labels).toEqual({ A: '2', B: '2 ', C: '=', x: '' });
  });

  test.each([
    ['=1', "no variable name on line '=1'"],
    ['B = 2', "variable 'B ' contains whitespaces"],
    [Buffer.of(255, 61, 49), 'invalid utf8 bytes at line 1: [255 61 49]'],
  ])('a file with %j is refused in the words of Docker', (content, message) => {
    const file = join(temporaryDirectory(), 'env');
    writeFileSync(file, content);
    expect(() => configOf('--env-file', file)).toThrow(`invalid env file (${file}): ${message}`);
  });

  test('no file, and a directory, are refused in the words of Docker', () => {
    const directory = temporaryDirectory();
    expect(() => configOf('--env-file', '/nowhere')).toThrow('open /nowhere: no such file or directory');
    expect(() => configOf('--env-file', directory)).toThrow(
      `invalid env file (${directory}): read ${directory}: is a directory`,
    );
  });
});

describe('the entrypoint', () => {
  test.each([
    [[], null],
    [['--entrypoint', ''], ['']],
    [['--entrypoint=/bin/x y'], ['/bin/x y']],
  ])('with %j is %j', (words, expected) => {
    expect(configOf(...words).Entrypoint).toEqual(expected);
  });
});

describe('volumes', () => {
  test('are anonymous, named, or paths of the working directory', () => {
    const { config, hostConfig } = requestOf(
      '-v',
      '/data',
      '-v',
      './src:/src:ro',
      '-v',
      'name:/n',
      '-v',
      'name:/n',
      'busybox',
    );
    expect(config.Volumes).toEqual({ '/data': {} });
    expect(hostConfig.Binds).toEqual([`${resolve('src')}:/src:ro`, 'name:/n']);
  });

  test('of --tmpfs and --mount are kept with their options', () => {
    const host = hostOf('--tmpfs', '/a', '--tmpfs', '/b:size=1m,exec', '--mount', 'type=bind,src=/s,dst=/d,ro');
    expect(host.Tmpfs).toEqual({ '/a': '', '/b': 'size=1m,exec' });
    expect(host.Mounts).toEqual([{ Type: 'bind', Source: '/s', Target: '/d', ReadOnly: true }]);
  });
});

describe('networks', () => {
  test.each<[string[], string, object]>([
    [[], 'default', { default: {} }],
    [['--network', 'none'], 'none', { none: {} }],
    [['--net', 'host'], 'host', { host: {} }],
    [['--network', 'container:web'], 'container:web', { 'container:web': {} }],
    [
      ['--network', 'name=a,alias=x,alias=y,ip=10.0.0.1'],
      'a',
      { a: { Aliases: ['x', 'y'], IPAMConfig: { IPv4Address: '10.0.0.1' } } },
    ],
    [
      ['--network', 'a', '--network', 'b', '--mac-address', '02:42:ac:11:00:99'],
      'a',
      { a: { MacAddress: '02:42:ac:11:00:99' }, b: {} },
    ],
  ])('with %j the mode is %s', (words, mode, networks) => {
    const request = requestOf(...words, 'busybox');
    expect([request.hostConfig.NetworkMode, request.networks]).toEqual([mode, networks]);
  });

  test('ports are published and exposed', () => {
    const { config, hostConfig } = requestOf('-p', '8080:80', '--expose', '90-91/udp', 'busybox');
    expect(hostConfig.PortBindings).toEqual({ '80/tcp': [{ HostIp: '', HostPort: '8080' }] });
    expect(Object.keys(config.ExposedPorts ?? {})).toEqual(['80/tcp', '90/udp', '91/udp']);
  });
});

test.each([
  ['/dev/a', '/dev/a', 'rwm'],
  ['/dev/a:r', '/dev/a', 'r'],
  ['/dev/a:/dev/b', '/dev/b', 'rwm'],
  ['/dev/a:/dev/b:rw', '/dev/b', 'rw'],
])('--device %s is %s with %s', (text, inside, access) => {
  expect(parseDevice(text)).toEqual({ PathOnHost: '/dev/a', PathInContainer: inside, CgroupPermissions: access });
});

test.each([
  ['no', 'no', 0],
  ['on-failure:3', 'on-failure', 3],
  ['on-failure:-1', 'on-failure', -1],
  ['', '', 0],
])('--restart %s is %s, %i times', (text, name, count) => {
  expect(parseRestart(text)).toEqual({ Name: name, MaximumRetryCount: count });
});

test('a seccomp profile is read from its file, and open paths are asked for as an option', () => {
  const file = join(temporaryDirectory(), 'profile.json');
  writeFileSync(file, '{"defaultAction": "SCMP_ACT_ALLOW"}\n');
  const host = hostOf('--security-opt', `seccomp=${file}`, '--security-opt', 'systempaths=unconfined');
  expect(host.SecurityOpt).toEqual(['seccomp={"defaultAction": "SCMP_ACT_ALLOW"}']);
  expect([host.MaskedPaths, host.ReadonlyPaths]).toEqual([[], []]);
});

test('limits and the rest have their fields', () => {
  const words =
    '--memory 10m --memory-swap -1 --cpus 0.5 --pids-limit -1 --ulimit nproc=1 --ulimit core=2:3 --init=false';
  expect(hostOf(...words.split(' '))).toMatchObject({
    Memory: 10 * 1024 * 1024,
    MemorySwap: -1,
    NanoCpus: 500_000_000,
    PidsLimit: null,
    Ulimits: [
      { Name: 'core', Soft: 2, Hard: 3 },
      { Name: 'nproc', Soft: 1, Hard: 1 },
    ],
    Init: false,
  });
  expect(hostOf().Init).toBeUndefined();
});

describe('refused in the words of Docker:', () => {
  test.each([
    [['--restart', 'always', '--rm'], 'conflicting options: cannot specify both --restart and --rm'],
    [['--restart', 'on-failure:x'], 'invalid restart policy format: maximum retry count must be an integer'],
    [['--restart', ':3'], 'invalid restart policy format: no policy provided before colon'],
    [['--uts', 'foo'], '--uts: invalid UTS mode'],
    [['--pid', 'foo'], '--pid: invalid PID mode'],
    [['--userns', 'foo'], '--userns: invalid USER mode'],
    [['--cgroupns', 'foo'], '--cgroupns: invalid CGROUP mode'],
    [['--security-opt', 'foo'], 'Invalid --security-opt: "foo"'],
    [
      ['--security-opt', 'seccomp=/nope'],
      'opening seccomp profile (/nope) failed: open /nope: no such file or directory',
    ],
    [['--device', 'foo'], 'foo is not an absolute path'],
    [['--device', '/dev/null:/dev/x:q'], 'bad mode specified: q'],
    [['--device', 'a:b:c:d'], 'bad format for path: a:b:c:d'],
    [['--log-driver', 'none', '--log-opt', 'a=b'], 'invalid logging opts for driver none'],
    [['--mac-address', 'foo'], 'foo is not a valid mac address'],
    [['--network', ''], 'no name set for network'],
    [['--network', 'name=none,alias=x'], 'network-scoped aliases are only supported for user-defined networks'],
    [['--network', 'a', '--network', 'a'], 'network "a" is specified multiple times'],
    [
      ['--network', 'a', '--network', 'none'],
      'conflicting options: cannot attach both user-defined and non-user-defined network-modes',
    ],
    [['-e', '=x'], 'invalid argument "=x" for "-e, --env" flag: invalid environment variable: =x'],
    [['-l', '=x'], 'invalid argument "=x" for "-l, --label" flag: invalid label \'=x\': empty name'],
    [['-a', 'foo'], 'invalid argument "foo" for "-a, --attach" flag: valid streams are STDIN, STDOUT and STDERR'],
    [['--add-host', 'foo'], 'invalid argument "foo" for "--add-host" flag: bad format for add-host: "foo"'],
    [
      ['--add-host', 'foo:bar'],
      'invalid argument "foo:bar" for "--add-host" flag: invalid IP address in add-host: "bar"',
    ],
    [['--dns', 'foo'], 'invalid argument "foo" for "--dns" flag: IP address is not correctly formatted: foo'],
    [['--dns-search', 'a b'], 'invalid argument "a b" for "--dns-search" flag: a b is not a valid domain'],
    [
      ['--sysctl', 'kernel.foo=1'],
      'invalid argument "kernel.foo=1" for "--sysctl" flag: sysctl \'kernel.foo=1\' is not allowed',
    ],
    [['--network', 'name=a,foo=x'], 'invalid argument "name=a,foo=x" for "--network" flag: invalid field key foo'],
    [['--mount', 'foo'], 'invalid argument "foo" for "--mount" flag: invalid field \'foo\' must be a key=value pair'],
    [['--init=foo'], 'invalid argument "foo" for "--init" flag: strconv.ParseBool: parsing "foo": invalid syntax'],
    [['--env-file', '/'], 'invalid env file (/): read /: is a directory'],
  ])('%j', (words, message) => {
    expect(() => requestOf(...words, 'busybox')).toThrow(message);
  });
});

test.each([
  ['a:1.2.3.4', 'a:1.2.3.4'],
  ['a=::1', 'a:::1'],
  ['a=[::1]', 'a:::1'],
  ['a:host-gateway', 'a:host-gateway'],
])('--add-host %s is kept as %s', (text, kept) => {
  expect(hostOf('--add-host', text).ExtraHosts).toEqual([kept]);
});
