import { expect, test } from 'vitest';
import { fullName, lacksTag } from '#image/asked.ts';

test.each([
  ['busybox', true, 'docker.io/library/busybox:latest'],
  ['r.example/a:1', false, 'r.example/a:1'],
  [`r.example/a@sha256:${'0'.repeat(64)}`, false, `r.example/a@sha256:${'0'.repeat(64)}`],
])('%s is said back whole', (text, lacks, full) => {
  expect([lacksTag(text), fullName(text)]).toEqual([lacks, full]);
});

test('of all tags only the repository is said', () => {
  expect(fullName('busybox', { allTags: true })).toBe('docker.io/library/busybox');
});
