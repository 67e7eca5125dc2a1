import { beforeEach, describe, expect, test } from 'vitest';
import { settleRequest } from '#container/settle.ts';
import type { Store } from '#store/store.ts';
import { request, rootful, rootless, type Wish } from '#test/support/requests.ts';
import { temporaryStore } from '#test/support/store.ts';

let store: Store;

beforeEach(() => {
  store = temporaryStore();
  process.env.WHERRY_RUNTIME = '/bin/true';
  return () => {
    delete process.env.WHERRY_RUNTIME;
  };
});

const settle = (wish: Wish = {}, facts = rootless) => settleRequest(store, request(wish), facts);

test('an ordinary request passes, with every default in place', () => {
  const { request: made, warnings } = settle({
    host: {
      IpcMode: '',
      ShmSize: 0,
      CgroupnsMode: '',
      MaskedPaths: null,
      ReadonlyPaths: null,
      NetworkMode: 'default',
      LogConfig: { Type: '', Config: {} },
    },
  });
  expect(warnings).toEqual([]);
  expect(made.hostConfig).toMatchObject({
    IpcMode: 'private',
    ShmSize: 64 * 1024 * 1024,
    CgroupnsMode: 'private',
    NetworkMode: 'bridge',
    LogConfig: { Type: 'json-file' },
    Runtime: '/bin/true',
  });
  expect(made.hostConfig.MaskedPaths).toContain('/proc/kcore');
  expect(made.networks).toEqual({ bridge: {} });
});

test('paths stay open where that was asked for, or where the container is privileged', () => {
  expect(settle({ host: { MaskedPaths: [] } }).request.hostConfig.MaskedPaths).toEqual([]);
  expect(settle({ host: { MaskedPaths: null, Privileged: true } }).request.hostConfig.MaskedPaths).toBeNull();
});

test('names of capabilities and the working directory are put in order', () => {
  const { config, hostConfig } = settle({
    config: { WorkingDir: '/a/../b//c/' },
    host: { CapAdd: ['net_admin'], CapDrop: ['all'] },
  }).request;
  expect([config.WorkingDir, hostConfig.CapAdd, hostConfig.CapDrop]).toEqual(['/b/c', ['CAP_NET_ADMIN'], ['ALL']]);
});

const policy = (Name: string, MaximumRetryCount = 0) =>
  ({ host: { RestartPolicy: { Name, MaximumRetryCount } } }) as Wish;

describe('refused in the words of Docker:', () => {
  test.each<[Wish, string]>([
    [
      policy('foo'),
      "invalid restart policy: unknown policy 'foo'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
    ],
    [policy('always', 3), "invalid restart policy: maximum retry count can only be used with 'on-failure'"],
    [policy('on-failure', -1), 'invalid restart policy: maximum retry count cannot be negative'],
    [
      { host: { ...policy('always').host, AutoRemove: true } },
      "can't create 'AutoRemove' container with restart policy",
    ],
    [{ config: { WorkingDir: 'rel' } }, "the working directory 'rel' is invalid, it needs to be an absolute path"],
    [{ config: { StopSignal: 'FOO' } }, 'invalid signal: FOO'],
    [{ config: { Env: ['=x'] } }, 'invalid environment variable: =x'],
    [{ config: { Hostname: 'a'.repeat(65) } }, 'is too long (maximum 64 bytes)'],
    [{ host: { IpcMode: 'foo' } }, 'invalid IPC mode: foo'],
    [{ host: { PidMode: 'foo' } }, 'invalid PID mode: foo'],
    [{ host: { PidMode: 'container:nope' } }, 'No such container: nope'],
    [{ host: { IpcMode: 'container:nope' } }, 'No such container: nope'],
    [{ host: { UTSMode: 'foo' } }, 'invalid UTS mode: foo'],
    [{ host: { OomScoreAdj: 2000 } }, 'Invalid value 2000, range for oom score adj is [-1000, 1000]'],
    [{ host: { ExtraHosts: ['a:b'] } }, 'invalid IP address in add-host: "b"'],
    [{ host: { Dns: ['a'] } }, 'bad nameserver address a: ParseAddr("a"): unable to parse IP'],
    [{ host: { ShmSize: -1 } }, 'SHM size can not be less than 0'],
    [{ host: { CapAdd: ['foo'] } }, 'invalid CapAdd: unknown capability: "CAP_FOO"'],
    [
      { host: { Annotations: { '': 'x' } } },
      'invalid Annotations: the empty string is not permitted as an annotation key',
    ],
    [{ host: { SecurityOpt: ['foo=bar'] } }, 'invalid --security-opt 2: "foo=bar"'],
    [{ host: { Runtime: 'foo' } }, 'unknown or invalid runtime name: foo'],
    [
      { host: { LogConfig: { Type: 'foo', Config: {} } } },
      'error looking up logging plugin foo: plugin "foo" not found',
    ],
    [{ host: { LogConfig: { Type: '', Config: { a: 'b' } } } }, "unknown log opt 'a' for json-file log driver"],
    [{ host: { UTSMode: 'host' }, config: { Hostname: 'x' } }, 'conflicting options: hostname and the UTS mode'],
  ])('%j', (wish, message) => {
    expect(() => settle(wish)).toThrow(message);
  });

  test.each<[Wish, string]>([
    [{ config: { Hostname: 'x' } }, 'hostname and the network mode'],
    [{ host: { Dns: ['1.1.1.1'] } }, 'dns and the network mode'],
    [{ host: { ExtraHosts: ['a:1.1.1.1'] } }, 'custom host-to-IP mapping and the network mode'],
    [{ host: { PortBindings: { '80/tcp': null } } }, 'port publishing and the container type network mode'],
    [{ config: { ExposedPorts: { '80/tcp': {} } } }, 'port exposing and the container type network mode'],
  ])('%j in the network of another container', (wish, message) => {
    const host = { ...wish.host, NetworkMode: 'container:other' };
    expect(() => settle({ ...wish, host })).toThrow(`conflicting options: ${message}`);
  });
});

test('signals may be names and any number', () => {
  for (const StopSignal of ['SIGRTMIN+3', 'rtmax-3', '9', '99', 'term']) {
    expect(settle({ config: { StopSignal } }).request.config.StopSignal).toBe(StopSignal);
  }
});

describe('the user is told', () => {
  test('permissions of a device that nobody but root can hold back', () => {
    const devices = ['r', 'rw'].map((access) => ({
      PathOnHost: '/dev/null',
      PathInContainer: '/dev/x',
      CgroupPermissions: access,
    }));
    expect(settle({ host: { Devices: devices } }).warnings).toEqual([
      'Without root the permissions "r" of /dev/x limit nothing: those of the host\'s device count',
    ]);
    expect(settle({ host: { Devices: devices } }, rootful).warnings).toEqual([]);
  });

  test('that ports are published in vain in the network of the host', () => {
    const { warnings } = settle({ host: { NetworkMode: 'host', PortBindings: { '80/tcp': [] } } });
    expect(warnings).toEqual(['Published ports are discarded when using host network mode']);
  });

  test('that limits are discarded', () => {
    expect(settle({ host: { Memory: 1e9 } }).warnings).toHaveLength(1);
    expect(settle({ host: { Memory: 1e9 } }, rootful).warnings).toEqual([]);
  });

  test('that the OOM killer will not be kinder', () => {
    expect(settle({ host: { OomScoreAdj: -5 } }).warnings).toEqual([
      'Only root may lower the OOM score: 0 is used instead of -5',
    ]);
  });
});

test('the request itself is left as it was', () => {
  const asked = request({ host: { Memory: 1e9, NetworkMode: 'default' } });
  const before = structuredClone(asked);
  settleRequest(store, asked, rootless);
  expect(asked).toEqual(before);
});
