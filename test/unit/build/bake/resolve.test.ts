// biome-ignore-all lint/suspicious/noTemplateCurlyInString: bake files write expressions so
import { describe, expect, test } from 'vitest';
import { readOverrides } from '#build/bake/override.ts';
import { parseBake } from '#build/bake/parse.ts';
import { resolveTargets } from '#build/bake/resolve.ts';

const NOTHING = { environment: {}, builtIn: {} };
const parsed = (content: object, environment: NodeJS.ProcessEnv = {}) =>
  parseBake([{ name: 'b.json', text: JSON.stringify(content) }], { ...NOTHING, environment });

function baked(content: object, names: string[] = ['default'], set: string[] = []) {
  const definition = parsed(content);
  return resolveTargets(definition, names, readOverrides(set, definition.targets, { HOME: '/h' }));
}

describe('resolveTargets()', () => {
  const TREE = {
    group: { default: { targets: ['all'] }, all: { targets: ['a', 'b'] } },
    target: {
      a: { inherits: ['b', 'c'], args: { X: 'a' } },
      b: { tags: ['b'], args: { X: 'b', Y: 'b' }, output: ['type=image'], secret: ['id=s,env=E', 'id=s,env=F'] },
      c: { tags: ['c'], platforms: ['linux/arm64'], network: 'host' },
    },
  };

  test('takes groups apart, and gives heirs what they inherit, the later ancestor first', () => {
    const { targets, groups } = baked(TREE);
    expect(Object.keys(targets)).toEqual(['a', 'b']);
    expect(Object.keys(groups).sort()).toEqual(['all', 'default']);
    expect(targets.a).toMatchObject({
      tags: ['c'],
      args: { X: 'a', Y: 'b' },
      entitlements: ['network.host'],
      context: '.',
    });
    expect(targets.b).toMatchObject({ secret: [{ id: 's', env: 'F' }], output: [{ type: 'image' }] });
  });

  test('names may be patterns; of several the default group is made', () => {
    expect(baked(TREE, ['[bc]']).groups.default).toEqual({ targets: ['b', 'c'] });
    expect(() => baked(TREE, ['z*'])).toThrow('could not find any target matching "z*"');
    expect(() => baked(TREE, ['z'])).toThrow('failed to find target z');
  });

  test.each<[set: string[], field: string, value: unknown]>([
    [['*.tags=x', '*.tags=y'], 'tags', ['x', 'y']],
    [['b.tags+=x'], 'tags', ['b', 'x']],
    [['b.args.Y=z', 'b.args.HOME'], 'args', { X: 'b', Y: 'z', HOME: '/h' }],
    [['b.platform=linux/386'], 'platforms', ['linux/386']],
    [['b.push=true'], 'output', [{ push: 'true', type: 'image' }]],
    [['b.load=true'], 'output', [{ type: 'image' }, { type: 'docker' }]],
    [['b.no-cache=1'], 'no-cache', true],
    [['b.extra-hosts.h=1.1.1.1'], 'extra-hosts', { h: '1.1.1.1' }],
    [['b.contexts.q=dir'], 'contexts', { q: 'dir' }],
  ])('--set %s', (set, field, value) => {
    expect(baked(TREE, ['b'], set).targets.b).toMatchObject({ [field]: value });
  });

  test.each([
    ['x', 'invalid override key x, expected target.name'],
    ['b.tags', 'invalid override b.tags, expected target.name=value'],
    ['b.args=1', 'invalid key b.args, args requires name'],
    ['b.nope=1', 'unknown key: nope'],
    ['b.pull=x', 'invalid value x for boolean key pull'],
    ['z.tags=1', "could not find any target matching 'z'"],
  ])('--set %s is refused: %s', (set, reason) => {
    expect(() => baked(TREE, ['b'], [set])).toThrow(reason);
  });

  test('what a target is linked to is built too, without a result; circles are refused', () => {
    const linked = { target: { a: { contexts: { x: 'target:b' } }, b: { contexts: { y: 'target:c' } }, c: {} } };
    const { targets, linked: only } = baked(linked, ['a']);
    expect([...only]).toEqual(['b', 'c']);
    expect(targets.c?.output).toEqual([{ type: 'cacheonly' }]);
    const circle = { target: { a: { contexts: { x: 'target:b' } }, b: { contexts: { y: 'target:a' } } } };
    expect(() => baked(circle, ['a'])).toThrow('infinite loop from b to a');
    expect(() => baked({ target: { a: { contexts: { x: 'target:a' } } } }, ['a'])).toThrow('cannot link to itself');
  });
});

describe('parseBake()', () => {
  test('a matrix makes a target of each combination, in a group of its name', () => {
    const { targets, groups } = parsed({
      target: { m: { name: 'm-${i}-${o.k}', matrix: { i: ['x', 'y'], o: [{ k: '1' }] }, args: { I: '${i}' } } },
    });
    expect([...targets.keys()]).toEqual(['m-x-1', 'm-y-1']);
    expect(groups.get('m')?.targets).toEqual(['m-x-1', 'm-y-1']);
    expect(targets.get('m-y-1')?.args).toEqual({ I: 'y' });
  });

  test('a variable is what the environment says, in the type of its default', () => {
    const content = {
      variable: { N: { default: 3 }, L: { type: 'list(number)', default: [1] }, M: { type: 'map(string)' } },
      target: { a: { args: { N: '${N + 1}', L: '${join("-", L)}', M: '${M == null ? "none" : M.k}' } } },
    };
    const args = (environment: NodeJS.ProcessEnv) => parsed(content, environment).targets.get('a')?.args;
    expect(args({})).toEqual({ N: '4', L: '1', M: 'none' });
    expect(args({ N: '8', L: '4,5', M_JSON: '{"k":"v"}' })).toEqual({ N: '9', L: '4-5', M: 'v' });
    expect(() => args({ N: 'x' })).toThrow('b.json: variable.N');
  });

  test('functions, other targets and settings at the top are there for expressions', () => {
    const { targets } = parsed({
      TAG: 'v1',
      function: { twice: { params: ['a'], result: '${a}${a}' } },
      target: { a: { tags: ['x:${TAG}'] }, b: { tags: ['${target.a.tags[0]}-${twice("q")}'] } },
    });
    expect(targets.get('b')?.tags).toEqual(['x:v1-qq']);
  });

  test.each<[content: object, reason: string]>([
    [{ target: { a: { tags: 'x' } } }, 'b.json: target.a.tags: Unsuitable value type'],
    [{ target: { a: { args: { A: '${NOPE}' } } } }, 'b.json: target.a.args: Unknown variable'],
    [{ variable: { V: { default: '${W}' }, W: { default: '${V}' } }, target: {} }, 'variable cycle not allowed'],
    [{ target: { 'a b': {} } }, 'Invalid name'],
    [{ target: { a: { name: 'x' } } }, 'name requires matrix'],
    [{ target: { a: { name: 'x', matrix: { i: ['1', '2'] } } } }, 'duplicate name "x"'],
    [{ variable: { V: { default: 'x', validation: { condition: '${V == "y"}', error_message: 'be y' } } } }, 'be y'],
    [[], 'A JSON object is required here'],
  ])('%j is refused: %s', (content, reason) => {
    expect(() => parsed(content)).toThrow(reason);
  });
});
