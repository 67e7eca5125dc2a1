import { describe, expect, it } from 'vitest';
import { allOf, dependencyGraph, inOrder, reversed, withDependents } from '#compose/apply/order.ts';
import type { Service } from '#compose/model/project.ts';

const project = (dependencies: Record<string, string[]>, disabled: Record<string, string[]> = {}) => {
  const service = (name: string, needs: string[]): Service => ({
    name,
    depends_on: Object.fromEntries(
      needs.map((need) => [need.replace('?', ''), { condition: 'service_started', required: !need.endsWith('?') }]),
    ),
  });
  return {
    services: Object.fromEntries(Object.entries(dependencies).map(([name, needs]) => [name, service(name, needs)])),
    disabledServices: Object.fromEntries(
      Object.entries(disabled).map(([name, profiles]) => [name, { name, profiles }]),
    ),
  };
};

const WEB = project({ web: ['api', 'cache'], api: ['db'], cache: [], db: [] });

describe('services in their order', () => {
  it('waits for what is needed and does the rest at once', async () => {
    const happened: string[] = [];
    await inOrder(dependencyGraph(WEB), async (name) => {
      happened.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 1));
      happened.push(`${name} ends`);
    });
    const at = (what: string) => happened.indexOf(what);
    expect(at('cache begins')).toBeLessThan(at('db ends'));
    expect(at('api begins')).toBeGreaterThan(at('db ends'));
    expect(at('web begins')).toBeGreaterThan(Math.max(at('api ends'), at('cache ends')));
  });

  it('goes the other way round when a project goes down', async () => {
    const order: string[] = [];
    await inOrder(reversed(dependencyGraph(WEB)), async (name) => void order.push(name));
    expect(order.indexOf('web')).toBe(0);
    expect(order.indexOf('db')).toBeGreaterThan(order.indexOf('api'));
  });

  it('begins nothing after a failure, and tells the first', async () => {
    const begun: string[] = [];
    const visit = async (name: string) => {
      begun.push(name);
      if (name === 'db') throw new Error('no db');
    };
    await expect(inOrder(dependencyGraph(WEB), visit)).rejects.toThrow('no db');
    expect(begun).not.toContain('web');
  });

  it('ends with the first error when all have ended', async () => {
    const done: number[] = [];
    const work = async (item: number) => {
      if (item === 1) throw new Error('one');
      await new Promise((resolve) => setTimeout(resolve, 1));
      done.push(item);
    };
    await expect(allOf([1, 2, 3], work)).rejects.toThrow('one');
    expect(done).toEqual([2, 3]);
  });

  it('takes with a service all that depend on it', () => {
    expect([...withDependents(dependencyGraph(WEB), ['db'])].sort()).toEqual(['api', 'db', 'web']);
  });

  it('says which profile would bring a service that is needed and off', () => {
    const off = project({ web: ['debug'] }, { debug: ['dev'] });
    expect(() => dependencyGraph(off)).toThrow('Can be enabled by profiles [dev]');
    expect(dependencyGraph(project({ web: ['debug?'] })).get('web')).toEqual([]);
  });
});
