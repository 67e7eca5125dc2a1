import { expect, test } from 'vitest';
import type { Project, Service } from '#compose/model/project.ts';
import { withNamedEnabled, withoutUnused, withProfiles, withSelected } from '#compose/model/select.ts';

const project = (services: Record<string, Omit<Service, 'name'>>, more: Partial<Project> = {}): Project => ({
  name: 'p',
  workingDir: '/',
  composeFiles: [],
  environment: {},
  profiles: [],
  disabledServices: {},
  services: Object.fromEntries(Object.entries(services).map(([name, service]) => [name, { name, ...service }])),
  ...more,
});

const names = ({ services }: Project) => Object.keys(services).sort();
const after = (name: string, required = true) => ({ [name]: { condition: 'service_started', required } });

test('services of profiles that are not active are disabled, until they are named', () => {
  const all = project({ a: {}, b: { profiles: ['x'] }, c: { profiles: ['x', 'y'] } });
  const none = withProfiles(all, []);
  expect([names(none), Object.keys(none.disabledServices)]).toEqual([['a'], ['b', 'c']]);
  expect(names(withProfiles(none, ['y']))).toEqual(['a', 'c']);
  expect(names(withProfiles(none, ['*']))).toEqual(['a', 'b', 'c']);
  expect(withNamedEnabled(none, ['b'])).toMatchObject({ profiles: ['x'], services: { b: {}, c: {} } });
});

test('named services come with what they depend on, and forget the others', () => {
  const all = project({ a: { depends_on: after('b') }, b: {}, c: { depends_on: after('a') } });
  expect(names(withSelected(all, ['a']))).toEqual(['a', 'b']);
  expect(withSelected(all, ['a'], 'ignore').services).toEqual({ a: { name: 'a' } });
  expect(names(withSelected(all, ['[bc]']))).toEqual(['a', 'b', 'c']);
  expect(() => withSelected(all, ['nope'])).toThrow('no such service: nope');
});

test('what no service uses is not there', () => {
  const all = project(
    { a: { networks: { n: null }, volumes: [{ type: 'volume', source: 'v' }], build: { secrets: [{ source: 's' }] } } },
    { networks: { n: {}, m: {} }, volumes: { v: {}, w: {} }, secrets: { s: {}, t: {} }, configs: { c: {} } },
  );
  const kept = withoutUnused(all);
  expect(kept).toMatchObject({ networks: { n: {} }, volumes: { v: {} }, secrets: { s: {} } });
  expect([kept.networks, kept.configs]).toEqual([{ n: {} }, undefined]);
});
