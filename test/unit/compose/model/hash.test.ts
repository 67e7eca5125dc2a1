import { expect, test } from 'vitest';
import { networkHash, serviceHash, volumeHash } from '#compose/model/hash.ts';

/** The value is what `docker-compose config --hash` prints. */
test('a service’s hash is docker compose’s, whatever its scale, dependencies and profiles are', () => {
  const service = { name: 'db', image: 'pg', networks: { default: null } };
  const hash = '42056163be685aa6d7c1cedf1a6e25d69dfecedd33429247ab170050696e6312';
  expect(serviceHash(service)).toBe(hash);
  const more = { scale: 3, profiles: ['x'], pull_policy: 'always', build: { context: '/x' } };
  expect(serviceHash({ ...service, ...more, depends_on: { a: { required: true } } })).toBe(hash);
  expect(serviceHash({ ...service, image: 'other' })).not.toBe(hash);
});

test('a volume without a driver has the local one', () => {
  expect(volumeHash({ name: 'v' })).toBe(volumeHash({ name: 'v', driver: 'local' }));
  expect(networkHash({ name: 'n' })).not.toBe(networkHash({ name: 'n', internal: true }));
});
