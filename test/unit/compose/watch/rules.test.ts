import { expect, test } from 'vitest';
import type { Service, Trigger } from '#compose/model/project.ts';
import { isBound, rulesOf, workFor } from '#compose/watch/rules.ts';

const web = (...watch: Trigger[]): Service => ({ name: 'web', build: { context: '/p' }, develop: { watch } });
const syncing = (more: Partial<Trigger> = {}) =>
  rulesOf(web({ path: '/p/src', action: 'sync', target: '/app', ...more }), undefined);

test.each([
  ['/p/src/a.js', true],
  ['/p/src', true],
  ['/p/src/deep/er/a.js', true],
  ['/p/source/a.js', false],
  ['/p/other', false],
  ['/p/src/.a.js.swp', false],
  ['/p/src/a.js~', false],
  ['/p/src/4913', false],
  ['/p/src/.git/index', false],
  ['/p/src/sub/.idea/x.xml', false],
])('a rule covers what is below its path, without what editors leave: %s %s', (path, expected) => {
  expect(syncing()[0]?.covers(path)).toBe(expected);
});

test('ignore and include are relative to the rule’s path; what is ignored needs no watching', () => {
  const [ignoring] = syncing({ ignore: ['node_modules/', '*.log', '!keep.log'] });
  expect(ignoring?.covers('/p/src/node_modules/x/y.js')).toBe(false);
  expect(ignoring?.covers('/p/src/a.log')).toBe(false);
  expect(ignoring?.covers('/p/src/keep.log')).toBe(true);
  expect(ignoring?.isClosed('/p/src/node_modules')).toBe(false);
  const [closing] = syncing({ ignore: ['node_modules/'] });
  expect(closing?.isClosed('/p/src/node_modules')).toBe(true);
  expect(closing?.isClosed('/p/src/lib')).toBe(false);
  const [including] = syncing({ include: ['**/*.ts'] });
  expect(including?.covers('/p/src/x/a.ts')).toBe(true);
  expect(including?.covers('/p/src/x/a.js')).toBe(false);
});

test('.dockerignore is relative to the build context', () => {
  const [rule] = rulesOf(web({ path: '/p/src', action: 'sync', target: '/app' }), {
    root: '/p',
    patterns: ['src/secret', '**/dist'],
  });
  expect(rule?.covers('/p/src/secret')).toBe(false);
  expect(rule?.covers('/p/src/x/dist/a')).toBe(false);
  expect(rule?.covers('/p/src/open')).toBe(true);
});

test('a batch is one rebuild, one restart and one command a service, and each file goes to its place', () => {
  const exec = { command: ['ls'] };
  const rules = rulesOf(
    web(
      { path: '/p/src', action: 'sync+exec', target: '/app', exec },
      { path: '/p/src', action: 'sync+restart', target: '/copy/' },
      { path: '/p/package.json', action: 'rebuild' },
      { path: '/p/conf', action: 'restart' },
    ),
    undefined,
  );
  const work = workFor(rules, ['/p/src/a', '/p/src/b/c', '/p/package.json', '/p/conf', '/elsewhere']);
  expect([...work.rebuild]).toEqual(['web']);
  expect([...work.restart]).toEqual(['web']);
  expect([...(work.exec.get('web') ?? [])]).toEqual([exec]);
  expect(work.sync.get('web')).toEqual([
    { path: '/p/src/a', target: '/app/a' },
    { path: '/p/src/a', target: '/copy/a' },
    { path: '/p/src/b/c', target: '/app/b/c' },
    { path: '/p/src/b/c', target: '/copy/b/c' },
  ]);
});

test('a file is copied to its target itself', () => {
  const rules = rulesOf(web({ path: '/p/conf', action: 'sync', target: '/etc/conf' }), undefined);
  expect(workFor(rules, ['/p/conf']).sync.get('web')).toEqual([{ path: '/p/conf', target: '/etc/conf' }]);
});

test('what can’t be done is refused in compose’s words', () => {
  expect(() => rulesOf({ name: 'web', develop: { watch: [{ path: '/p', action: 'rebuild' }] } }, undefined)).toThrow(
    'can\'t watch service "web" with action rebuild without a build context',
  );
  expect(() => rulesOf(web({ path: '/p', action: 'sync+exec', target: '/x' }), undefined)).toThrow(
    'can\'t watch with action "sync+exec" on service web without a command',
  );
});

test('what a bind mount brings along needs no copy', () => {
  const service = { ...web(), volumes: [{ type: 'bind', source: '/p', target: '/app' }] };
  expect(isBound(service, { path: '/p/src', action: 'sync' })).toBe(true);
  expect(isBound(service, { path: '/p/src', action: 'rebuild' })).toBe(false);
  expect(isBound(service, { path: '/q', action: 'sync' })).toBe(false);
});
