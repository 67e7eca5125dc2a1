import { expect, test } from 'vitest';
import { toProject } from '#compose/model/assemble.ts';
import { checkConsistency } from '#compose/model/consistency.ts';
import type { TreeMap } from '#compose/model/tree.ts';

const check = (services: TreeMap) => () =>
  checkConsistency(toProject({ services }, { name: 'p', workingDir: '/', composeFiles: [], environment: {} }));

const needs = (name: string): TreeMap => ({ [name]: { condition: 'service_started', required: true } });

/** The words are docker compose's; test/diff holds each against it. */
test.each<[string, TreeMap, string]>([
  ['nothing to run', { a: { command: ['x'] } }, 'service "a" has neither an image nor a build context specified'],
  ['an unknown network', { a: { image: 'x', networks: { n: null } } }, 'service "a" refers to undefined network n'],
  ['an unknown dependency', { a: { image: 'x', depends_on: needs('b') } }, 'depends on undefined service "b"'],
  [
    'a circle',
    {
      a: { image: 'x', depends_on: needs('b') },
      b: { image: 'x', depends_on: needs('c') },
      c: { image: 'x', depends_on: needs('b') },
    },
    'dependency cycle detected: b -> c -> b',
  ],
  ['a name for several', { a: { image: 'x', container_name: 'n', scale: 2 } }, "can't set container_name and a"],
])('%s is refused', (_, services, message) => {
  expect(check(services)).toThrow(message);
});

test('a value of the wrong kind is told with its place', () => {
  expect(check({ a: { image: 'x', mem_limit: '1x' } })).toThrow("'services[a].mem_limit' invalid suffix: 'x'");
  expect(check({ a: { image: 'x', healthcheck: { interval: 'soon' } } })).toThrow(
    `'services[a].healthcheck.interval' time: invalid duration "soon"`,
  );
});

test('a scale is the number of replicas as well', () => {
  const project = toProject(
    { services: { a: { image: 'x', scale: 2, deploy: {} } } },
    { name: 'p', workingDir: '/', composeFiles: [], environment: {} },
  );
  checkConsistency(project);
  expect(project.services.a?.deploy).toEqual({ replicas: 2 });
});
