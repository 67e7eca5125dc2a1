// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles write variables so
import { expect, test } from 'vitest';
import { targetsOf } from '#build/dockerfile/outline.ts';
import { outlineBuild } from '#build/dockerfile/plan.ts';
import { planRequest, resolveNothing } from '#test/support/plan.ts';

const TEXT = [
  'ARG A=1',
  'ARG B=$A UNUSED=x',
  '# one is first',
  'FROM scratch AS one',
  'ARG B',
  '# Q asks',
  'ARG Q',
  'RUN --mount=type=secret,target=/a/b --mount=type=ssh x',
  'FROM --platform=$BUILDPLATFORM scratch',
  'COPY --from=one a b',
  'RUN --mount=type=ssh,id=k,required y',
].join('\n');

/** The answers are those of docker build --call. */
test('an outline has the arguments, secrets and agents that a target and its stages ask for', async () => {
  const { args, secrets, agents, name } = await outlineBuild(planRequest(TEXT), resolveNothing, []);
  expect(name).toBe('');
  expect(args.map(({ name: arg, value, description, place }) => [arg, value, description, place.start])).toEqual([
    ['A', '1', '', 1],
    ['B', '1', '', 2],
    ['Q', '', 'asks', 7],
  ]);
  expect(secrets).toEqual([{ name: 'b', required: false, place: { start: 8, end: 8 } }]);
  expect(agents.map(({ name: id, required }) => [id, required])).toEqual([
    ['default', false],
    ['k', true],
  ]);
});

test('a target named has its own outline, with what its comment says', async () => {
  const outline = await outlineBuild(planRequest(TEXT, { target: 'ONE', buildArgs: { A: '7' } }), resolveNothing, []);
  expect(outline).toMatchObject({ name: 'one', description: 'is first' });
  expect(outline.args.map(({ name, value }) => `${name}=${value}`)).toEqual(['A=7', 'B=7', 'Q=']);
});

test('targets are the stages as they are written, the last one by default', () => {
  expect(targetsOf(TEXT)).toMatchObject([
    { name: 'one', isDefault: false, description: 'is first', base: 'scratch', platform: '' },
    { name: '', isDefault: true, description: '', base: 'scratch', platform: '$BUILDPLATFORM' },
  ]);
});
