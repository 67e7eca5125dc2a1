import { describe, expect, test } from 'vitest';
import { extend, merge, unique } from '#compose/load/merge.ts';
import type { Tree, TreeMap } from '#compose/model/tree.ts';

const service = (attributes: TreeMap): TreeMap => ({ services: { web: attributes } });
const webOf = (tree: TreeMap) => (tree.services as { web: TreeMap }).web;

describe('an attribute of two files becomes', () => {
  test.each<[string, Tree, Tree, Tree]>([
    ['image', 'a', 'b', 'b'],
    ['user', 'a', null, 'a'],
    ['command', ['a', 'b'], 'c', 'c'],
    ['command', 'a', null, null],
    ['entrypoint', 'a', ['b'], ['b']],
    ['environment', { B: 2, A: 1, C: null }, ['A=3'], ['A=1', 'B=2', 'C', 'A=3']],
    ['environment', { A: true }, { A: 1.5 }, ['A=true', 'A=1.5']],
    ['labels', ['a=1'], { b: 'x' }, ['a=1', 'b=x']],
    ['annotations', { a: '1' }, ['b'], ['a=1', 'b']],
    ['sysctls', { a: 1 }, { b: 2 }, ['a=1', 'b=2']],
    ['dns', '1.1.1.1', ['2.2.2.2'], ['1.1.1.1', '2.2.2.2']],
    ['dns_opt', ['a'], ['b'], ['a', 'b']],
    ['dns_search', 'a', 'b', ['a', 'b']],
    ['env_file', 'a', ['b'], ['a', 'b']],
    ['label_file', 'a', 'b', ['a', 'b']],
    ['tmpfs', '/a', '/b', ['/a', '/b']],
    ['extra_hosts', ['a=1', 'b=2'], { b: '2', c: ['3', '4'] }, ['a=1', 'b=2', 'c=3', 'c=4']],
    ['build', './a', { target: 't' }, { context: './a', target: 't' }],
    ['build', { context: './a', args: ['A=1'] }, 'b', { context: 'b', args: ['A=1'] }],
    [
      'build',
      { args: { A: 1 }, labels: ['l'] },
      { args: ['B'], labels: { m: 1 } },
      { args: ['A=1', 'B'], labels: ['l', 'm=1'] },
    ],
    [
      'depends_on',
      ['a'],
      { b: { condition: 'c' } },
      { a: { condition: 'service_started', required: true }, b: { condition: 'c' } },
    ],
    ['networks', ['a'], { a: { aliases: ['x'] }, b: null }, { a: { aliases: ['x'] }, b: null }],
    ['models', ['m'], { m: { model_var: 'M' } }, { m: { model_var: 'M' } }],
    [
      'deploy',
      { labels: { a: 1 }, replicas: 1 },
      { labels: ['b'], replicas: 2 },
      { labels: ['a=1', 'b'], replicas: 2 },
    ],
    ['healthcheck', { test: ['a'], retries: 1 }, { test: 'b' }, { test: 'b', retries: 1 }],
    ['ulimits', { nofile: { soft: 1, hard: 2 } }, { nofile: 5 }, { nofile: 5 }],
    ['logging', { driver: 'a', options: { x: 1 } }, { driver: 'b' }, { driver: 'b' }],
    ['logging', { driver: 'a', options: { x: 1 } }, { options: { y: 2 } }, { driver: 'a', options: { x: 1, y: 2 } }],
    ['ports', ['80'], [81], ['80', 81]],
    ['cap_add', ['A'], ['A'], ['A', 'A']],
  ])('%s: %j and %j', (key, one, two, both) => {
    expect(webOf(merge(service({ [key]: one }), service({ [key]: two })))[key]).toEqual(both);
  });

  test('the same where a service extends another', () => {
    expect(extend({ image: 'a', ports: ['80'] }, { image: 'b', ports: ['81'] })).toEqual({
      image: 'b',
      ports: ['80', '81'],
    });
  });

  test.each<[Tree, Tree]>([
    [{ a: 1 }, 'text'],
    [['a'], { a: 1 }],
  ])('nothing where it is %j and %j', (one, two) => {
    expect(() => merge(service({ storage_opt: one }), service({ storage_opt: two }))).toThrow(
      'cannot override services.web.storage_opt',
    );
  });

  test('subnets that are merged with their like', () => {
    const network = (...config: TreeMap[]): TreeMap => ({ networks: { n: { ipam: { config } } } });
    const one = network({ subnet: 'b', ip_range: 'r' });
    const two = network({ subnet: 'b', gateway: 'h' }, { subnet: 'c' });
    expect(merge(one, two)).toEqual(network({ subnet: 'b', ip_range: 'r', gateway: 'h' }, { subnet: 'c' }));
  });
});

describe('of items that mean the same thing the last one stays', () => {
  test.each<[string, Tree[], Tree[]]>([
    ['environment', ['A=1', 'B', 'A=2'], ['A=2', 'B']],
    ['labels', ['a', 'a=1'], ['a=1']],
    ['cap_add', ['A', 'B', 'A'], ['A', 'B']],
    ['profiles', ['a', 'a'], ['a']],
    ['expose', ['80', 80], [80]],
    [
      'volumes',
      ['data:/x', './b:/x:ro', { type: 'tmpfs', target: '/y' }],
      ['./b:/x:ro', { type: 'tmpfs', target: '/y' }],
    ],
    ['devices', ['/a:/x', '/b:/x', '/c'], ['/b:/x', '/c']],
    ['ports', ['80:80', '80:80', '81'], ['80:80', '81']],
    [
      'ports',
      [
        { target: 80, published: '1' },
        { target: 80, published: '1', host_ip: '0.0.0.0' },
      ],
      [{ target: 80, published: '1', host_ip: '0.0.0.0' }],
    ],
    ['secrets', ['a', { source: 'b', target: '/run/secrets/a' }], [{ source: 'b', target: '/run/secrets/a' }]],
    ['configs', ['a', { source: 'b', target: '/a' }], [{ source: 'b', target: '/a' }]],
    ['env_file', ['a', { path: 'a', required: false }], [{ path: 'a', required: false }]],
    ['command', ['a', 'a'], ['a', 'a']],
  ])('%s: %j', (key, list, kept) => {
    expect(webOf(unique(service({ [key]: list })))[key]).toEqual(kept);
  });

  test('network aliases too', () => {
    expect(webOf(unique(service({ networks: { n: { aliases: ['a', 'a'] } } })))).toEqual({
      networks: { n: { aliases: ['a'] } },
    });
  });

  test.each<[string, Tree[], string]>([
    ['dns', [1], 'services.web.dns.[0]: unexpected type int'],
    ['labels', [{ a: 'b' }], 'services.web.labels.[0]: unexpected type map[string]interface {}'],
    ['volumes', [{ source: 'a' }], 'service volume services.web.volumes.[0] is missing a mount target'],
    ['ports', [{ published: '80' }], 'service ports services.web.ports.[0] is missing a target port'],
  ])('%s: %j is refused', (key, list, message) => {
    expect(() => unique(service({ [key]: list }))).toThrow(message);
  });
});
