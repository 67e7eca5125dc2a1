import { describe, expect, test } from 'vitest';
import { Misplaced } from '#compose/load/place.ts';
import { checkSchema } from '#compose/load/schema.ts';
import type { Tree, TreeMap } from '#compose/model/tree.ts';

function problem(tree: TreeMap): string | undefined {
  try {
    checkSchema(tree);
    return undefined;
  } catch (error) {
    if (!(error instanceof Misplaced)) throw error;
    return error.message;
  }
}

const web = (key: string, value: Tree): TreeMap => ({ services: { web: { image: 'x', [key]: value } } });

describe('a service may have', () => {
  test.each<[string, Tree]>([
    ['command', null],
    ['command', 'a'],
    ['command', ['a']],
    ['environment', { A: 1, B: null, C: true, D: 'x' }],
    ['environment', ['A=1']],
    ['build', '.'],
    ['build', { context: '.', 'x-own': 1 }],
    ['ports', [80, '81', { target: 82, published: '82' }]],
    ['networks', { a: null, b: { aliases: ['c'] } }],
    ['deploy', null],
    ['gpus', 'all'],
    ['cpus', 0.5],
    ['cpus', '0.5'],
    ['x-anything', { a: [1] }],
    ['scale', 2],
    ['ulimits', { nofile: { soft: 1, hard: 2 }, nproc: 5 }],
    ['pull_policy', 'every_12h'],
  ])('%s: %j', (key, value) => {
    expect(problem(web(key, value))).toBeUndefined();
  });
});

describe('the words for what is wrong are those of docker compose', () => {
  test.each<[string, Tree, string]>([
    ['odd', 1, "services.web additional properties 'odd' not allowed"],
    ['hostname', 5, 'services.web.hostname must be a string'],
    ['privileged', {}, 'services.web.privileged must be a boolean or string'],
    ['build', { contxt: '.' }, "services.web.build additional properties 'contxt' not allowed"],
    ['environment', { A: [1] }, 'services.web.environment.A must be a boolean, null, number or string'],
    ['volumes', [{ source: 'a' }], 'services.web.volumes.0 must be a string'],
    ['cgroup', 'odd', "services.web.cgroup value must be one of 'host', 'private'"],
    ['cpu_percent', 101, 'services.web.cpu_percent must be a string'],
    ['oom_score_adj', -1001, 'services.web.oom_score_adj must be a string'],
    ['security_opt', ['a', 'a'], 'services.web.security_opt items at 0 and 1 are equal'],
    ['scale', 1.5, 'services.web.scale must be a integer or string'],
    ['ulimits', { nofile: { soft: 1 } }, 'services.web.ulimits.nofile must be a integer or string'],
    ['healthcheck', { test: [1] }, 'services.web.healthcheck.test.0 must be a string'],
  ])('%s: %j', (key, value, message) => {
    expect(problem(web(key, value))).toBe(message);
  });

  test.each<[TreeMap, string]>([
    [{ odd: 1 }, " additional properties 'odd' not allowed"],
    [{ services: { 'a b': {} } }, "services additional properties 'a b' not allowed"],
    [{ services: { web: null } }, 'services.web must be a mapping'],
    [{ networks: { n: { drivr: 'x' } } }, "networks.n additional properties 'drivr' not allowed"],
    [{ secrets: { s: null } }, 'secrets.s must be a mapping'],
  ])('%j', (tree, message) => {
    expect(problem(tree)).toBe(message);
  });
});
