import { expect, test } from 'vitest';
import { buildPlatforms } from '#compose/model/platforms.ts';

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

test('what the environment asks for has to be among them', () => {
  const project = { environment: { DOCKER_DEFAULT_PLATFORM: 'linux/386' } };
  const service = { name: 's', build: { platforms: [A] } };
  expect(() => buildPlatforms(project, service, { isEverywhere: true })).toThrow(
    'service "s" build.platforms does not support value set by DOCKER_DEFAULT_PLATFORM: linux/386',
  );
});
