import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { withApiSockets } from '#compose/apply/api-socket.ts';
import type { Project, Service } from '#compose/model/project.ts';

const home = mkdtempSync(join(tmpdir(), 'api-socket-'));
mkdirSync(join(home, '.docker'));
writeFileSync(join(home, '.docker/config.json'), '{}');
afterAll(() => rmSync(home, { recursive: true }));

function changed(service: Partial<Service>, environment: Record<string, string> = {}): Service | undefined {
  const services = { a: { name: 'a', use_api_socket: true, ...service } as Service };
  return withApiSockets({ name: 'p', services, environment: { HOME: home, ...environment } } as unknown as Project)
    .services.a;
}

test('a service that wants the socket gets it where the client has it, and what the client knows of registries', () => {
  const { volumes, environment } = changed({}, { DOCKER_HOST: 'unix:///run/user/5/docker.sock' }) ?? {};
  expect(volumes?.map(({ source, target, read_only }) => ({ source, target, read_only }))).toEqual([
    { source: '/run/user/5/docker.sock', target: '/var/run/docker.sock', read_only: undefined },
    { source: join(home, '.docker/config.json'), target: '/run/secrets/docker/config.json', read_only: true },
  ]);
  expect(environment).toEqual({ DOCKER_CONFIG: '/run/secrets/docker' });
});

test('who has a place for the configuration keeps it', () => {
  const { volumes, environment } = changed({ environment: { DOCKER_CONFIG: '/own' } }) ?? {};
  expect(volumes?.map(({ source }) => source)).toEqual(['/var/run/docker.sock']);
  expect(environment).toEqual({ DOCKER_CONFIG: '/own' });
});

test('others are left as they are', () => {
  expect(changed({ use_api_socket: false })).toEqual({ name: 'a', use_api_socket: false });
});
