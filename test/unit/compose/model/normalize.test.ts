import { describe, expect, test } from 'vitest';
import { fillSecrets, normalize, resolveEnvironment } from '#compose/model/normalize.ts';
import type { TreeMap } from '#compose/model/tree.ts';

const web = (service: TreeMap, environment: Record<string, string> = {}): TreeMap => {
  const { services } = normalize({ services: { web: service } }, 'p', environment);
  return (services as { web: TreeMap }).web;
};
const started = (restart: boolean) => ({ condition: 'service_started', restart, required: true });

describe('a service', () => {
  test('that names no network is in the default one', () => {
    expect(normalize({ services: { a: { image: 'x' } } }, 'p', {})).toEqual({
      name: 'p',
      services: { a: { image: 'x', networks: { default: null } } },
      networks: { default: { name: 'p_default' } },
    });
    expect(web({ network_mode: 'host' }).networks).toBeUndefined();
    expect(web({ networks: { n: null } }).networks).toEqual({ n: null });
  });

  test('is built from a Dockerfile, unless it has one inline', () => {
    expect(web({ build: {} }).build).toEqual({ context: '.', dockerfile: 'Dockerfile' });
    expect(web({ build: { dockerfile_inline: 'FROM x' } }).build).toEqual({
      context: '.',
      dockerfile_inline: 'FROM x',
    });
  });

  test('has its variables from the environment where it gives them no value', () => {
    const environment = { A: '1', B: '2' };
    expect(web({ environment: { A: null, B: 'own', C: null } }, environment).environment).toEqual({
      A: '1',
      B: 'own',
      C: null,
    });
    expect(web({ environment: ['A', 'B=own', 'C'] }, environment).environment).toEqual(['A=1', 'B=own', 'C']);
    expect(web({ build: { args: ['A', 'C'] } }, environment).build).toMatchObject({ args: ['A=1'] });
  });

  test('waits for the services whose links, namespaces and volumes it has', () => {
    expect(web({ links: ['a', 'b:x'], ipc: 'service:c', volumes_from: ['d:ro', 'container:e'] }).depends_on).toEqual({
      a: started(true),
      b: started(true),
      c: started(true),
      d: started(false),
    });
    const own = { a: { condition: 'service_healthy', required: true } };
    expect(web({ links: ['a'], depends_on: own }).depends_on).toEqual(own);
  });

  test('has clean targets, and one word for missing images', () => {
    expect(web({ volumes: [{ target: '/a/../b/' }] }).volumes).toEqual([{ target: '/b' }]);
    expect(web({ pull_policy: 'if_not_present' }).pull_policy).toBe('missing');
  });
});

test('what is external has the name of its key, all else the project’s before it', () => {
  const tree = { volumes: { v: null, w: { name: 'own' }, e: { external: true }, f: { external: 'false' } } };
  expect(normalize(tree, 'p', {}).volumes).toEqual({
    v: { name: 'p_v' },
    w: { name: 'own' },
    e: { name: 'e', external: true },
    f: { name: 'p_f', external: 'false' },
  });
});

test('a secret’s value does not stand where the schema looks', () => {
  const tree = { secrets: { s: { environment: 'A' }, t: { environment: 'B' } }, configs: { c: { environment: 'A' } } };
  expect(resolveEnvironment(tree, { A: 'hidden' })).toEqual({
    secrets: { s: { environment: 'A', 'x-#value': 'hidden' }, t: { environment: 'B' } },
    configs: { c: { environment: 'A', content: 'hidden' } },
  });
  const secrets = { s: { environment: 'A', 'x-#value': 'hidden' } };
  fillSecrets(secrets);
  expect(secrets).toEqual({ s: { environment: 'A', content: 'hidden' } });
});
