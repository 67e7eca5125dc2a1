// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles write variables so
import { expect, test } from 'vitest';
import { showPlace } from '#build/dockerfile/fault.ts';
import { planBuild } from '#build/dockerfile/plan.ts';
import { judge, ODD_DOCKERFILES, planOf, planRequest, resolveNothing } from '#test/support/plan.ts';

const files = async (text: string) =>
  (await planOf(text)).vertices.flatMap((vertex) => (vertex.op === 'file' ? [vertex] : []));
const runs = async (text: string) =>
  (await planOf(text)).vertices.flatMap((vertex) => (vertex.op === 'run' ? [vertex] : []));

test.each(ODD_DOCKERFILES.map((odd) => [JSON.stringify(odd.text), odd] as const))(
  '%s gets the errors and warnings that Docker gives it',
  async (_title, odd) => {
    expect(await judge(odd.text)).toEqual(odd);
  },
);

test('a stage that the target does not need is no part of the plan', async () => {
  const { vertices } = await planOf('FROM a AS one\nRUN x\nFROM b AS two\nRUN y\nFROM scratch\nCOPY --from=two /y /');
  expect(vertices.map(({ name }) => name)).toEqual([
    'FROM scratch',
    '[two 1/2] FROM docker.io/library/b:latest',
    '[two 2/2] RUN y',
    '[stage-2 1/1] COPY --from=two /y /',
  ]);
});

test('a step that two stages have in common is there once', async () => {
  const { vertices } = await planOf(
    'FROM a AS one\nRUN x\nFROM a AS two\nRUN x\nFROM scratch\nCOPY --from=one . /1\nCOPY --from=two . /2',
  );
  expect(vertices.filter(({ op }) => op === 'run')).toHaveLength(1);
});

test('only the paths that are copied are asked of the context', async () => {
  const { contexts } = await planOf(
    'FROM scratch\nCOPY b /\nADD a/c http://x/y /d/\nRUN --mount=target=/m,source=src x',
  );
  expect(contexts).toEqual({ '': ['/a/c', '/b', '/src'] });
});

test('a mount of the whole context, and COPY ., ask for all of it', async () => {
  expect((await planOf('FROM scratch\nCOPY x /\nRUN --mount=target=/m x')).contexts).toEqual({ '': ['/'] });
  expect((await planOf('FROM scratch\nCOPY x . /y/')).contexts).toEqual({ '': ['/'] });
});

test('variables keep the order in which they were last set', async () => {
  const [run] = await runs('ARG V=3\nFROM a\nARG V X=${V:-no}\nENV a=b PATH=/x:$PATH\nENV V=4\nRUN env');
  expect(run?.env).toEqual(['X=3', 'a=b', 'PATH=/x:/bin', 'V=4']);
});

test('a build argument is for those stages that declare it', async () => {
  const text = 'FROM a AS one\nRUN x\nFROM one\nARG B\nRUN y';
  const { vertices, targets } = await planBuild(
    planRequest(text, { buildArgs: { B: '1', HTTP_PROXY: 'p' } }),
    resolveNothing,
  );
  const [one, two] = vertices.flatMap((vertex) => (vertex.op === 'run' ? [vertex] : []));
  expect(one?.env).toEqual(['PATH=/bin']);
  expect(two?.env).toEqual(['PATH=/bin', 'B=1']);
  expect(two?.proxy).toEqual({ HTTP_PROXY: 'p', http_proxy: 'p' });
  expect(targets[0]?.config.history?.map(({ created_by: by }) => by)).toEqual([
    'RUN /bin/sh -c x # buildkit',
    'ARG B=1',
    'RUN |1 B=1 /bin/sh -c y # buildkit',
  ]);
});

test('predefined arguments of the platform are there when they are declared', async () => {
  const text = 'FROM --platform=$BUILDPLATFORM a\nARG TARGETARCH TARGETVARIANT\nRUN x';
  const platforms = [{ os: 'linux', architecture: 'arm', variant: 'v7' }];
  const { vertices, targets } = await planBuild(planRequest(text, { platforms }), resolveNothing);
  const run = vertices.find(({ op }) => op === 'run');
  expect(run).toMatchObject({
    platform: { architecture: 'amd64' },
    env: ['PATH=/bin', 'TARGETARCH=arm', 'TARGETVARIANT=v7'],
  });
  expect(targets[0]?.config).toMatchObject({ architecture: 'arm', variant: 'v7' });
});

test('of several platforms, what is made on this machine is made once', async () => {
  const text = 'FROM --platform=$BUILDPLATFORM a AS build\nRUN x\nFROM b\nCOPY --from=build /x /';
  const platforms = ['amd64', 'arm64'].map((architecture) => ({ os: 'linux', architecture }));
  const { vertices, targets } = await planBuild(planRequest(text, { platforms }), resolveNothing);
  expect(vertices.map(({ name }) => name)).toEqual([
    '[linux/amd64 build 1/2] FROM docker.io/library/a:latest',
    '[linux/amd64 stage-1 1/2] FROM docker.io/library/b:latest',
    '[linux/amd64 build 2/2] RUN x',
    '[linux/amd64 stage-1 2/2] COPY --from=build /x /',
    '[linux/arm64 stage-1 1/2] FROM docker.io/library/b:latest',
    '[linux/arm64 stage-1 2/2] COPY --from=build /x /',
  ]);
  expect(targets.map(({ platform }) => platform.architecture)).toEqual(['amd64', 'arm64']);
});

test('a heredoc is a script: for the shell, or with a #! for itself', async () => {
  const text =
    'FROM a\nRUN <<EOF\none\ntwo\nEOF\nRUN <<-"EOF"\n\t#!/bin/py\n\tx\n\tEOF\nRUN <<EOF\n#!/bin/py\nx\nEOF\nRUN cat <<A >b\n1\nA\n';
  const found = await runs(text);
  expect(found.map(({ args, name }) => [args.at(-1), name])).toEqual([
    ['one\ntwo\n', '[2/5] RUN <<EOF (one...)'],
    ['#!/bin/py\nx\n', '[3/5] RUN <<-"EOF" (#!/bin/py...)'],
    ['/dev/pipes/EOF', '[4/5] RUN <<EOF (#!/bin/py...)'],
    ['cat <<A >b\n1\nA', '[5/5] RUN cat <<A >b'],
  ]);
  expect(found[2]?.mounts).toEqual([{ type: 'bind', target: '/dev/pipes/', input: 1, source: '/', readonly: true }]);
});

test('mounts have their defaults filled in', async () => {
  const mounts = [
    'target=/b,source=s,rw',
    'type=cache,target=c/',
    'type=tmpfs,target=/t,size=1m',
    'type=secret,id=k',
    'type=secret,id=k,env=K',
    'type=ssh',
  ];
  const [run] = await runs(`FROM a\nWORKDIR /w\nRUN ${mounts.map((mount) => `--mount=${mount}`).join(' ')} x`);
  expect(run?.mounts).toEqual([
    { type: 'bind', target: '/b', input: 1, source: '/s', readonly: false },
    { type: 'cache', target: '/w/c', readonly: false, id: 'c', sharing: 'shared' },
    { type: 'tmpfs', target: '/t', readonly: false, size: 2 ** 20 },
    { type: 'secret', target: '/run/secrets/k', readonly: true, id: 'k', required: false, file: true },
    { type: 'secret', target: '', readonly: true, id: 'k', required: false, file: false, env: 'K' },
    { type: 'ssh', target: '/run/buildkit/ssh_agent.0', readonly: true, id: 'default', required: false },
  ]);
  expect(run?.env).toContain('SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0');
});

test.each([
  ['/a', 'x', '/a/x'],
  ['/a', './x/', '/a/x/'],
  ['/a', '.', '/a/'],
  ['/a', '..', '/'],
  ['/a', '/x/../y', '/x/../y'],
])('in %s, COPY to %s is to %s', async (cwd, target, expected) => {
  const copies = await files(`FROM a\nWORKDIR ${cwd}\nCOPY x ${target}`);
  expect(copies.at(-1)?.actions[0]?.target).toBe(expected);
});

test('--parents keeps the path behind its pivot', async () => {
  const [, copy] = await files('FROM a\nWORKDIR /w\nCOPY --parents --exclude=*.md src/./lib/**/*.c a/b /x/');
  expect(copy?.actions).toMatchObject([
    { source: '/src', include: ['lib/**/*.c'], allowEmpty: true, exclude: ['*.md'] },
    { source: '/', include: ['a/b'], allowEmpty: false },
  ]);
});

test('--link makes a layer of its own, put above', async () => {
  const { vertices, targets } = await planOf('FROM a\nCOPY --link x /y');
  const merge = vertices[targets[0]?.result ?? -1];
  expect(merge).toMatchObject({ op: 'merge', name: '[2/2] LINK COPY --link x /y' });
  expect(merge?.inputs.map((input) => vertices[input]?.op)).toEqual(['image', 'file']);
});

test('a context that is named stands in for an image, and for a stage', async () => {
  const contexts = { alpine: { kind: 'image', reference: 'other:1' }, dep: { kind: 'local' } } as const;
  const text = 'FROM nowhere AS dep\nRUN x\nFROM alpine:latest\nCOPY --from=dep /y /';
  const plan = await planBuild(planRequest(text, { contexts }), resolveNothing);
  expect(plan.vertices.map(({ name }) => name)).toEqual([
    '[context dep] load from client',
    '[context alpine] docker.io/library/other:1',
    '[stage-1 1/2] COPY --from=dep /y /',
  ]);
  expect(plan.contexts).toEqual({ dep: ['/y'] });
});

test('a date for everything is in the history', async () => {
  const { targets } = await planOf('ARG SOURCE_DATE_EPOCH=1700000000\nFROM scratch\nENV a=b');
  expect(targets[0]?.config.history).toEqual([
    { created: '2023-11-14T22:13:20Z', created_by: 'ENV a=b', comment: 'buildkit.dockerfile.v0', empty_layer: true },
  ]);
});

test('the lines around an error are shown as buildx shows them', () => {
  const text = 'FROM scratch\nRUN a \\\n  b\nFOO\n';
  expect(showPlace('Dockerfile', text, { start: 4, end: 4 })).toBe(
    [
      'Dockerfile:4',
      '--------------------',
      '   2 |     RUN a \\',
      '   3 |       b',
      '   4 | >>> FOO',
      '   5 |     ',
      '--------------------',
      '',
    ].join('\n'),
  );
  expect(showPlace('Dockerfile', text, { start: 9, end: 9 })).toBe('');
});

test('words that are wrong are pointed at, with their column', async () => {
  const text = 'FROM scratch\nCOPY a \\\n\t--x --form=y /\nCOPY --form=y a /\n';
  const error = await planOf(text).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ near: '--form', places: [{ start: 4, end: 4 }] });
  expect(showPlace('Dockerfile', text, { start: 2, end: 3 }, '--form')).toBe(
    [
      'Dockerfile:2',
      '--------------------',
      '   1 |     FROM scratch',
      '   2 | >>> COPY a \\',
      '   3 | >>> \t--x --form=y /',
      '     |     \t    ^ column 6',
      '   4 |     COPY --form=y a /',
      '--------------------',
      '',
    ].join('\n'),
  );
});

test('a frontend that is another program is refused', async () => {
  await expect(planOf('# syntax=example.com/other:1\nFROM scratch')).rejects.toThrow(/frontends other than/);
  await expect(planOf('# syntax=docker/dockerfile:1.7-labs\nFROM scratch')).resolves.toBeDefined();
});

test('a huge file, a long line and deep nesting are no trouble', async () => {
  const many = `FROM scratch\n${'ENV a=$a$b\n'.repeat(20_000)}`;
  expect((await planOf(many)).targets[0]?.config.history).toHaveLength(20_000);
  const talkative = `FROM scratch\n${'# a comment\n'.repeat(200_000)}ENV a=b`;
  expect((await planOf(talkative)).targets[0]?.config.history).toHaveLength(1);
  await expect(planOf(`FROM scratch\nENV a=${'x'.repeat(70_000)}`)).rejects.toThrow(
    'dockerfile line greater than max allowed size of 65535',
  );
  await expect(planOf(`FROM scratch\nENV a=${'${a:-'.repeat(5000)}${'}'.repeat(5000)}`)).rejects.toThrow(
    /nested more than 1000 deep/,
  );
});
