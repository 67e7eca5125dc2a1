import { expect, test } from 'vitest';
import type { Project, Service } from '#compose/model/project.ts';
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
        tags: ['r/a', 'r/a:2'],
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
        output: ['type=registry'],
      },
    },
  });
});
