import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configFolder, configPath, socketPath } from '#base/docker-paths.ts';

test.each([
  [{ HOME: '/home/a', DOCKER_CONFIG: '/etc/d' }, '/etc/d'],
  [{ HOME: '/home/a', DOCKER_CONFIG: '' }, '/home/a/.docker'],
  [{ HOME: '/home/a' }, '/home/a/.docker'],
  [{ HOME: '' }, join(homedir(), '.docker')],
  [{}, join(homedir(), '.docker')],
])("with %j the client's configuration is in %s", (env, folder) => {
  expect(configFolder(env)).toBe(folder);
  expect(configPath(env)).toBe(`${folder}/config.json`);
});

test.each([
  [{}, '/var/run/docker.sock'],
  [{ DOCKER_HOST: 'unix:///run/user/5/docker.sock' }, '/run/user/5/docker.sock'],
  [{ DOCKER_HOST: 'tcp://10.0.0.1:2375' }, '/var/run/docker.sock'],
])("with %j the engine's socket is %s", (env, path) => {
  expect(socketPath(env)).toBe(path);
});
