import { expect, test } from 'vitest';
import { buildPlatforms, checkPlatforms } from '#compose/model/platforms.ts';
import type { Service } from '#compose/model/project.ts';

const [A, B] = ['linux/amd64', 'linux/arm64'];

test.each([
  ['what has none is built for this machine', {}, [], []],
  ['what runs on one is built for it', { platform: B }, [B], [B]],
  ['what names one is built for it', { platforms: [B] }, [B], [B]],
  ['of several none is chosen to run, and all are built to hand out', { platforms: [A, B] }, [], [A, B]],
  ['of several the one that it runs on is built', { platform: B, platforms: [A, B] }, [B], [A, B]],
  ['the environment says it for who does not', { usual: B }, [B], [B]],
  ['the environment chooses of several', { usual: A, platforms: [A, B] }, [A], [A, B]],
])(
  '%s',
  (_title, { usual, platform, platforms }: { usual?: string; platform?: string; platforms?: string[] }, one, all) => {
    const project = { environment: usual === undefined ? {} : { DOCKER_DEFAULT_PLATFORM: usual } };
    const service = { name: 's', platform: platform ?? '', build: { platforms: platforms ?? [] } };
    expect(buildPlatforms(project, service, { isEverywhere: false })).toEqual(one);
    expect(buildPlatforms(project, service, { isEverywhere: true })).toEqual(all);
  },
);

test('what the environment asks for has to be among those of every service that is built', () => {
  const check = (...services: Service[]) =>
    checkPlatforms({
      environment: { DOCKER_DEFAULT_PLATFORM: 'linux/386' },
      services: Object.fromEntries(services.map((service) => [service.name, service])),
    });
  const others = [
    { name: 'any', build: {} },
    { name: 'own', platform: A, build: { platforms: [A] } },
    { name: 'image' },
  ];
  expect(check(...others)).toBeUndefined();
  expect(() => check(...others, { name: 's', build: { platforms: [A] } })).toThrow(
    'service "s" build.platforms does not support value set by DOCKER_DEFAULT_PLATFORM: linux/386',
  );
});
