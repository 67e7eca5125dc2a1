import { expect, test } from 'vitest';
import { withoutProject } from '#compose/view/containers.ts';

const labels = (service: string, number: string) => ({
  'com.docker.compose.project': 'shop',
  'com.docker.compose.service': service,
  'com.docker.compose.container-number': number,
});

test.each([
  ['shop-web-1', labels('web', '1'), 'web-1'],
  ['shop_web_2', labels('web', '2'), 'web_2'],
  ['shop-web-1', labels('web', '2'), 'shop-web-1'],
  ['own', labels('web', '1'), 'own'],
  ['other', {}, 'other'],
])('the log of %s is that of %j: %s', (name, of, shown) => {
  expect(withoutProject(name, of)).toBe(shown);
});
