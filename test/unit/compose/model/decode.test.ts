import { describe, expect, test } from 'vitest';
import { decodeObject } from '#compose/model/decode.ts';
import { PROJECT, SERVICE } from '#compose/model/shape.ts';
import type { Tree } from '#compose/model/tree.ts';

const decoded = (key: string, value: Tree): unknown => decodeObject(SERVICE, { [key]: value }, 'services[web]')[key];

describe('an attribute of a service becomes what it means', () => {
  test.each<[string, Tree, unknown]>([
    ['command', 'sh -c "a b"', ['sh', '-c', 'a b']],
    ['command', ['a', 1, true], ['a', '1', 'true']],
    ['environment', ['A=1', 'B', 'C='], { A: '1', B: null, C: '' }],
    ['environment', { A: 1, B: null, C: true, D: 1.5 }, { A: '1', B: null, C: 'true', D: '1.5' }],
    ['labels', ['a=b=c', 'd'], { a: 'b=c', d: '' }],
    ['extra_hosts', ['b=1.1.1.1', 'a:[::1]'], ['a=::1', 'b=1.1.1.1']],
    ['extra_hosts', { a: ['1.1.1.1', '2.2.2.2'] }, ['a=1.1.1.1', 'a=2.2.2.2']],
    ['mem_limit', '1gb', '1073741824'],
    ['mem_limit', 1024, '1024'],
    ['stop_grace_period', '1m30s', '1m30s'],
    ['cpus', '0.1', 0.1],
    ['cpus', 2, 2],
    ['ulimits', { nproc: 65535, nofile: { soft: 1, hard: 2 } }, { nproc: 65535, nofile: { soft: 1, hard: 2 } }],
    ['init', 'true', true],
    ['privileged', false, undefined],
    ['oom_score_adj', '-100', -100],
    ['user', 1000, '1000'],
    ['shm_size', '0', undefined],
    ['healthcheck', { test: 'curl x', retries: 3 }, { test: ['CMD-SHELL', 'curl x'], retries: 3 }],
    ['gpus', [{ count: 'all' }], [{ count: -1 }]],
    ['secrets', [{ source: 's', mode: 0o440 }], [{ source: 's', mode: '0440' }]],
    ['secrets', [{ source: 's', mode: '0600' }], [{ source: 's', mode: '0600' }]],
    ['networks', { n: null }, { n: null }],
  ])('%s: %j', (key, value, meaning) => {
    expect(decoded(key, value)).toEqual(meaning);
  });
});

describe('what can’t be read is refused with its path', () => {
  test.each<[string, Tree, string]>([
    ['mem_limit', '1x', "'services[web].mem_limit' invalid suffix: 'x'"],
    ['stop_grace_period', 'soon', "'services[web].stop_grace_period' time: invalid duration"],
    ['extra_hosts', ['a'], "'services[web].extra_hosts' invalid additional host, missing IP: a"],
    ['cpus', 'x', 'strconv.ParseFloat: parsing "x": invalid syntax'],
    ['secrets', [{ source: 's', mode: '9' }], 'strconv.ParseInt: parsing "9": invalid syntax'],
    ['gpus', [{ count: 'some' }], 'invalid value "some", the only value allowed is \'all\' or a number'],
    ['environment', ['A =1'], 'environment variable A  is declared with a trailing space'],
    ['ports', 'x', "'services[web].ports' must be a list, not x"],
  ])('%s: %j', (key, value, words) => {
    expect(() => decoded(key, value)).toThrow(words);
  });
});

test('unknown keys are dropped, extensions stay', () => {
  expect(decodeObject(PROJECT, { odd: 1, 'x-b': { z: 1 }, 'x-a': 2 }, '')).toEqual({
    services: {},
    'x-a': 2,
    'x-b': { z: 1 },
  });
});
