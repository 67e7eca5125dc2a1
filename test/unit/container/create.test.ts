import { describe, expect, test } from 'vitest';
import { makeRecord, mergeConfig } from '#container/create.ts';
import { record, request } from '#test/support/requests.ts';

const command = (config: object, image: object) => {
  const { path, args, config: merged } = record({ config: { Cmd: null, ...config }, image });
  return { line: [path, ...args].join(' '), entrypoint: merged.Entrypoint, cmd: merged.Cmd };
};

describe('the command', () => {
  const image = { Entrypoint: ['/entry'], Cmd: ['serve', '-v'] };

  test.each([
    ["nothing asked for: the image's entrypoint and command", {}, image, '/entry serve -v'],
    ["a command: it takes the place of the image's", { Cmd: ['sh'] }, image, '/entry sh'],
    ["an entrypoint: the image's command goes, too", { Entrypoint: ['/mine'] }, image, '/mine'],
    ['both', { Entrypoint: ['/mine'], Cmd: ['x'] }, image, '/mine x'],
    ["an empty entrypoint and a command: the image's entrypoint goes", { Entrypoint: [''], Cmd: ['x'] }, image, 'x'],
    ['an image with a command alone', {}, { Cmd: ['sh'] }, 'sh'],
    ['an image that says null', { Cmd: ['sh'] }, { Entrypoint: null, Cmd: null }, 'sh'],
  ])('with %s', (_case, config, from, line) => {
    expect(command(config, from).line).toBe(line);
  });

  test.each([
    ['an image without any', {}, {}],
    ['an empty entrypoint alone', { Entrypoint: [''] }, image],
  ])('is missing with %s', (_case, config, from) => {
    expect(() => command(config, from)).toThrow('no command specified');
  });
});

describe('settings', () => {
  test("variables asked for come first, then the image's others", () => {
    const { Env } = mergeConfig({ ...request().config, Env: ['A=1', 'B'] }, { Env: ['PATH=/bin', 'A=2', 'B=3'] });
    expect(Env).toEqual(['A=1', 'B', 'PATH=/bin']);
  });

  test("the request's win over the image's, and both are joined where they are many", () => {
    const image = {
      User: 'www',
      WorkingDir: '/srv',
      StopSignal: 'SIGQUIT',
      Labels: { a: 'image', b: 'image' },
      ExposedPorts: { '80/tcp': {} },
      Volumes: { '/v': {} },
    };
    const merged = mergeConfig(
      {
        ...request().config,
        User: 'root',
        Labels: { a: 'mine' },
        ExposedPorts: { '81/tcp': {} },
        Volumes: { '/w': {} },
      },
      image,
    );
    expect(merged).toMatchObject({
      User: 'root',
      WorkingDir: '/srv',
      StopSignal: 'SIGQUIT',
      Labels: { a: 'mine', b: 'image' },
      ExposedPorts: { '80/tcp': {}, '81/tcp': {} },
      Volumes: { '/v': {}, '/w': {} },
    });
  });

  test('the host name is the short id where none was asked for, and none at all where another names the container', () => {
    expect(record().config.Hostname).toBe('c0ffee111111');
    expect(record({ config: { Hostname: 'web' } }).config.Hostname).toBe('web');
    for (const host of [{ NetworkMode: 'host' }, { NetworkMode: 'container:x' }, { UTSMode: 'host' }]) {
      expect(record({ host }).config.Hostname).toBe('');
    }
  });

  test('a health check of the request takes what it leaves out from the image', () => {
    const { Healthcheck } = mergeConfig(
      { ...request().config, Healthcheck: { Interval: 5, Retries: 0 } },
      { Healthcheck: { Test: ['CMD', 'x'], Interval: 1, Retries: 3 } },
    );
    expect(Healthcheck).toEqual({ Test: ['CMD', 'x'], Interval: 5, Retries: 3 });
  });
});

test('the record keeps where the image came from, without its settings', () => {
  const image = { reference: 'r', id: 'i', manifest: 'm', platform: 'p', diffIds: ['d'], config: { Cmd: ['sh'] } };
  const made = makeRecord(request(), image, { id: 'a'.repeat(64), name: 'n', mounts: [], driver: 'copy' });
  expect(made.image).toEqual({ reference: 'r', id: 'i', manifest: 'm', platform: 'p', diffIds: ['d'] });
  expect(made.created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
});
