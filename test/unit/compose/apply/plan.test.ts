import { describe, expect, it } from 'vitest';
import type { Present } from '#compose/apply/identify.ts';
import { mustRecreate, planService, type Strategy, type Wanted } from '#compose/apply/plan.ts';

const WANTED: Wanted = { scale: 1, hash: 'new', image: 'sha256:1', networks: ['x_default'], volumes: [] };

/** A container as it is wanted, but for what is said otherwise. */
function container(number: number, other: Partial<Present> = {}, volumes: string[] = []): Present {
  const mounts = volumes.map((Name) => ({ Type: 'volume', Name }));
  return {
    id: `id${number}`,
    name: `x-web-${number}`,
    service: 'web',
    number,
    isOneOff: false,
    hash: 'new',
    image: 'sha256:1',
    status: 'running',
    record: { networks: { x_default: {} }, mounts },
    ...other,
  } as unknown as Present;
}

/** `keep 1, create 2` */
const words = (wanted: Partial<Wanted>, present: Present[], strategy: Strategy = 'diverged') =>
  planService({ ...WANTED, ...wanted }, present, strategy)
    .map((step) => `${step.do} ${'number' in step ? step.number : step.container.number}`)
    .join(', ');

describe('what becomes of a service’s containers', () => {
  const old = { hash: 'old' };
  it.each<[string, Partial<Wanted>, Present[], Strategy, string]>([
    ['the first is made', {}, [], 'diverged', 'create 1'],
    ['one that is as it should be stays', {}, [container(1)], 'diverged', 'keep 1'],
    ['one that has ended stays, too', {}, [container(1, { status: 'exited' })], 'diverged', 'keep 1'],
    ['a changed configuration makes it anew', {}, [container(1, old)], 'diverged', 'recreate 1'],
    ['and so does a new image', {}, [container(1, { image: 'sha256:0' })], 'diverged', 'recreate 1'],
    ['--no-recreate leaves what has changed', {}, [container(1, old)], 'never', 'keep 1'],
    ['--force-recreate makes anew what has not', {}, [container(1)], 'force', 'recreate 1'],
    [
      'new ones get numbers above all others',
      { scale: 4 },
      [container(2), container(5)],
      'diverged',
      'keep 2, keep 5, create 6, create 7',
    ],
    ['of too many the last goes', { scale: 1 }, [container(2), container(1)], 'diverged', 'keep 1, remove 2'],
    [
      'but before it one that is out of date',
      { scale: 2 },
      [container(1, old), container(2), container(3)],
      'diverged',
      'keep 2, keep 3, remove 1',
    ],
    ['with --scale 0 all go', { scale: 0 }, [container(1), container(2)], 'diverged', 'remove 1, remove 2'],
  ])('%s', (_, wanted, present, strategy, steps) => expect(words(wanted, present, strategy)).toBe(steps));
});

describe('a container is another one', () => {
  it.each<[string, Partial<Wanted>, Present, boolean]>([
    ['where it runs without a network that it should have', { networks: ['x_back'] }, container(1), true],
    ['but not where it does not run', { networks: ['x_back'] }, container(1, { status: 'exited' }), false],
    ['where it lacks a volume', { volumes: ['x_data'] }, container(1), true],
    ['and not where it has it', { volumes: ['x_data'] }, container(1, {}, ['x_data']), false],
  ])('%s', (_, wanted, present, is) => expect(mustRecreate({ ...WANTED, ...wanted }, present, 'diverged')).toBe(is));
});
