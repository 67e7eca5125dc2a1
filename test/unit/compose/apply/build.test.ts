import { expect, test } from 'vitest';
import { inBuildOrder, serviceBuild } from '#compose/apply/build.ts';
import type { Build, Project, Service } from '#compose/model/project.ts';

const service = (name: string, build?: Build): Service => ({ name, ...(build === undefined ? {} : { build }) });

function project(...services: Service[]): Project {
  return {
    name: 'x',
    services: Object.fromEntries(services.map((one) => [one.name, one])),
    secrets: { word: { environment: 'WORD' }, away: {} },
    workingDir: '/',
    composeFiles: [],
    environment: { WORD: 'w', A: 'of .env' },
    profiles: [],
    disabledServices: {},
  };
}

const upon = (name: string): Build => ({ context: '/', additional_contexts: { base: `service:${name}` } });

test('what others build upon is built before them, once, also where nobody named it', () => {
  const [web, api, base] = [service('web', upon('a.base')), service('api', upon('a.base')), service('a.base', {})];
  const all = project(web, api, base, service('db'));
  expect(inBuildOrder(all, [web, api]).map(({ name }) => name)).toEqual(['a.base', 'web', 'api']);
});

test('services that build upon each other can be built by nobody', () => {
  const [one, other] = [service('one', upon('other')), service('other', upon('one'))];
  expect(() => inBuildOrder(project(one, other), [one])).toThrow('dependency cycle detected: one -> other -> one');
});

test('a build section says what its image is called, labelled and made of', () => {
  const base = service('a.base', { context: '/' });
  const web = service('web', {
    ...upon('a.base'),
    dockerfile: 'sub/Dockerfile',
    args: { A: null, B: 'b', C: null },
    labels: { own: '1' },
    tags: ['r/web:2'],
    privileged: true,
    network: 'host',
    secrets: [{ source: 'word', target: 'id' }, { source: 'away' }],
    extra_hosts: ['a=10.1.2.3'],
  });
  const { words, wanted, needs, target } = serviceBuild(project(web, base), web, { memory: 5, push: true });
  expect({ needs, target, named: words.named }).toEqual({
    needs: ['a.base'],
    target: 'web',
    named: { base: 'docker-image://x-a.base' },
  });
  expect(wanted).toMatchObject({
    buildArgs: { A: 'of .env', B: 'b' },
    labels: { own: '1', 'com.docker.compose.project': 'x', 'com.docker.compose.service': 'web' },
    allow: ['security.insecure', 'network.host'],
    secrets: [{ id: 'id', env: 'WORD' }],
    hosts: ['a=10.1.2.3'],
    limits: { memory: 5 },
    outputs: [{ type: 'image', names: ['r/web:2', 'x-web'], push: false }],
  });
});

test("a service's name in a target's place has no dots", () => {
  const named = service('a.b', { context: '/' });
  expect(serviceBuild(project(named), named, {}).target).toBe('a_b');
});

test.each<[Build, string]>([
  [{ network: 'mine' }, 'network mode "mine" not supported by buildkit - you can define a custom network'],
  [{ platforms: ['a/b/c/d'] }, '"a/b/c/d": cannot parse platform specifier'],
  [{ context: '/no/such' }, 'unable to prepare context: path "/no/such" not found'],
])('%j is refused before anything is read', (build, says) => {
  const bad = service('bad', { context: '/', ...build });
  expect(() => serviceBuild(project(bad), bad, {})).toThrow(says);
});
