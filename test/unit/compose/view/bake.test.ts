import { expect, test } from 'vitest';
import type { Build, Project, Service } from '#compose/model/project.ts';
import { bakeFile } from '#compose/view/bake.ts';

const PROJECT: Project = {
  name: 'x',
  services: {},
  secrets: { token: { file: '/run/token' }, word: { environment: 'WORD' } },
  workingDir: '/x',
  composeFiles: [],
  environment: {},
  profiles: [],
  disabledServices: {},
};

const LABELS = (service: string) => ({
  'com.docker.compose.project': 'x',
  'com.docker.compose.service': service,
  'com.docker.compose.version': '2.40.3',
});

const bake = (services: Service[], options = { push: false, check: false }) => bakeFile(PROJECT, services, options);

test('every service is a target, and the group has them in their order', () => {
  const services = [
    { name: 'web', build: { context: '/x/web' } },
    {
      name: 'a.b',
      image: 'r/a',
      build: { context: '/x', dockerfile: 'd/Dockerfile', args: { A: '1' }, tags: ['r/a:2'] },
    },
  ];
  expect(bake(services)).toEqual({
    group: { default: { targets: ['web', 'a_b'] } },
    target: {
      a_b: {
        context: '/x',
        dockerfile: '/x/d/Dockerfile',
        args: { A: '1' },
        labels: LABELS('a.b'),
        tags: ['r/a:2', 'r/a'],
        output: ['type=docker'],
      },
      web: {
        context: '/x/web',
        dockerfile: '/x/web/Dockerfile',
        labels: LABELS('web'),
        tags: ['x-web'],
        output: ['type=docker'],
      },
    },
  });
});

test('secrets, an inline Dockerfile, a push and a check are said in its words', () => {
  const build = {
    context: '/x',
    dockerfile_inline: 'FROM a',
    secrets: [{ source: 'token', target: 't' }, { source: 'word' }],
    no_cache: true,
  };
  expect(bake([{ name: 'web', image: 'r/web', build }], { push: true, check: true })).toMatchObject({
    target: {
      web: {
        'dockerfile-inline': 'FROM a',
        secret: ['id=t,type=file,src=/run/token', 'id=word,type=env,env=WORD'],
        'no-cache': true,
        call: 'lint',
      },
    },
  });
  expect(bake([{ name: 'web', image: 'r/web', build }], { push: true, check: false })).toMatchObject({
    target: { web: { output: ['type=registry'] } },
  });
});

test('what a step may do, who is known and what is handed out is said as well, and no text becomes a variable', () => {
  const build: Build = {
    context: '/x',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: bake's variables look so
    args: { A: 'a${B}', C: null },
    ssh: ['default', 'k=/key'],
    ulimits: { nofile: { soft: 1, hard: 2 }, nproc: 7 },
    extra_hosts: ['h=1.2.3.4', 'h=::1'],
    entitlements: ['network.host'],
    privileged: true,
    platforms: ['linux/amd64', 'linux/arm64'],
    provenance: 'mode=max',
    sbom: 'false',
    secrets: [{ source: 'elsewhere' }],
  };
  expect(bake([{ name: 'web', platform: 'linux/amd64', build }])).toMatchObject({
    target: {
      web: {
        args: { A: 'a$${B}', C: null },
        ssh: ['default=', 'k=/key'],
        ulimits: ['nofile=1:2', 'nproc=7'],
        'extra-hosts': { h: '1.2.3.4,::1' },
        entitlements: ['network.host', 'security.insecure'],
        platforms: ['linux/amd64', 'linux/arm64'],
        attest: ['type=provenance,mode=max'],
        output: ['type=image,push=false'],
      },
    },
  });
});

test("another service's image is that of its target, which has no dots", () => {
  const build = { context: '/x', additional_contexts: { base: 'service:a.b', files: './a.b' } };
  expect(bake([{ name: 'web', build }])).toMatchObject({
    target: { web: { contexts: { base: 'target:a_b', files: './a.b' } } },
  });
});
