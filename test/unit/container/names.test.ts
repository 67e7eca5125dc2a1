import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  containerIds,
  findContainer,
  generateName,
  listContainers,
  newId,
  releaseName,
  reserveName,
} from '#container/names.ts';
import type { Store } from '#store/store.ts';
import { recordOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

const A = `a1${'0'.repeat(62)}`;
const B = `a2${'0'.repeat(62)}`;

function addContainer(store: Store, id: string, name: string): void {
  mkdirSync(store.path('containers', id));
  writeFileSync(store.path('containers', id, 'container.json'), JSON.stringify(recordOf({ id, name })));
  reserveName(store, name, id);
}

describe('names', () => {
  test.each(['w', '-web', 'a/b', '', '/', 'wéb', 'a b'])('%j is refused as Docker refuses it', (name) => {
    const store = temporaryStore();
    expect(() => reserveName(store, name, A)).toThrow(
      `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    );
  });

  test('a name has a limit that its file can hold', () => {
    expect(() => reserveName(temporaryStore(), 'a'.repeat(201), A)).toThrow('longer than 200 characters');
  });

  test("Docker's leading slash is no part of the name", () => {
    const store = temporaryStore();
    expect(reserveName(store, '/web', A)).toBe('web');
    expect(readdirSync(store.path('names'))).toEqual(['web']);
  });

  test('a name that another container has is a conflict in the words of Docker', () => {
    const store = temporaryStore();
    addContainer(store, A, 'web');
    expect(() => reserveName(store, 'web', B)).toThrow(
      `Conflict. The container name "/web" is already in use by container "${A}". You have to remove (or rename) that container to be able to reuse that name.`,
    );
  });

  test('a name is taken while the command that makes its container lives', () => {
    const store = temporaryStore();
    reserveName(store, 'web', A);
    expect(() => reserveName(store, 'web', B)).toThrow('already in use');
  });

  test('a name that a killed command left without a container is free again', () => {
    const store = temporaryStore();
    writeFileSync(store.path('names', 'web'), `${A} ${process.pid} 1\n`);
    expect(reserveName(store, 'web', B)).toBe('web');
    expect(readFileSync(store.path('names', 'web'), 'utf8')).toContain(B);
  });

  test('a name is given back by its container only', () => {
    const store = temporaryStore();
    reserveName(store, 'web', A);
    releaseName(store, 'web', B);
    expect(readdirSync(store.path('names'))).toEqual(['web']);
    releaseName(store, 'web', A);
    expect(readdirSync(store.path('names'))).toEqual([]);
    releaseName(store, 'web', A);
  });

  test('generated names are an adjective and a surname, with a number when too many are taken', () => {
    expect(generateName()).toMatch(/^[a-z]+_[a-z]+$/);
    expect(generateName(9)).toMatch(/^[a-z]+_[a-z]+\d+$/);
    expect(new Set(Array.from({ length: 200 }, () => generateName())).size).toBeGreaterThan(150);
  });

  test('ids are 64 hexadecimal digits, all different', () => {
    const ids = new Set(Array.from({ length: 100 }, newId));
    expect(ids.size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('finding a container', () => {
  const store = () => {
    const made = temporaryStore();
    addContainer(made, A, 'web');
    addContainer(made, B, 'a1');
    return made;
  };

  test.each([
    [A, 'web'],
    ['web', 'web'],
    ['/web', 'web'],
    ['a10', 'web'],
    ['a2', 'a1'],
  ])('%s means %s', (text, name) => {
    expect(findContainer(store(), text).name).toBe(name);
  });

  test('a name goes before the beginning of an id', () => {
    expect(findContainer(store(), 'a1').name).toBe('a1');
  });

  test('a beginning that several ids have is refused', () => {
    expect(() => findContainer(store(), 'a')).toThrow('multiple IDs found with provided prefix: a');
  });

  test.each(['nosuch', '../x', 'a/b', 'ff', 'x'.repeat(300)])('there is no container %j', (text) => {
    expect(() => findContainer(store(), text)).toThrow(`No such container: ${text}`);
  });

  test('an empty text is no name', () => {
    expect(() => findContainer(store(), '')).toThrow('invalid container name or ID: value is empty');
  });
});

describe('listing', () => {
  test('a damaged record is told of, and the others are listed', () => {
    const store = temporaryStore();
    addContainer(store, A, 'web');
    mkdirSync(store.path('containers', B));
    writeFileSync(store.path('containers', B, 'container.json'), '{"id":');
    const told: string[] = [];
    expect(listContainers(store, (error) => told.push(error.message)).map(({ name }) => name)).toEqual(['web']);
    expect(told).toEqual([`Cannot read "${store.path('containers', B, 'container.json')}": it is not valid JSON`]);
  });

  test('a directory without a record, just being removed, is passed over', () => {
    const store = temporaryStore();
    mkdirSync(store.path('containers', A));
    mkdirSync(store.path('containers', 'x.tmp'));
    expect(containerIds(store)).toEqual([A]);
    expect(listContainers(store)).toEqual([]);
  });
});
