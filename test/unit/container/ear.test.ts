import { expect, test } from 'vitest';
import { listenToMonitor } from '#container/ear.ts';
import { playMonitor } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

const ID = 'c'.repeat(64);

test('words are heard in their order, and undefined when the monitor has gone', async () => {
  const store = temporaryStore();
  await playMonitor(store, ID, (client, word) => {
    client.say(`${word} heard`);
    client.say('exit 1 0');
    client.hangUp();
  });
  const ear = listenToMonitor(store, ID);
  ear?.say('stop');
  expect(await ear?.hear('stop')).toEqual(['stop', 'heard']);
  expect(await ear?.hear('exit')).toEqual(['exit', '1', '0']);
  expect(await ear?.hear('exit')).toBeUndefined();
  expect(listenToMonitor(store, 'd'.repeat(64))).toBeUndefined();
});

test('a word that was said before anybody waited is an answer, and so is one that comes later', async () => {
  const store = temporaryStore();
  await playMonitor(store, ID, (client, word) => client.say(`${word} heard`));
  const ear = listenToMonitor(store, ID);
  ear?.say('stop');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await ear?.answer('stop')).toEqual(['stop', 'heard']);
  ear?.say('clean');
  expect(await ear?.answer('clean')).toEqual(['clean', 'heard']);
  const next = ear?.hear('exit');
  ear?.say('exit');
  expect(await next).toEqual(['exit', 'heard']);
  const nothing = ear?.hear('more');
  ear?.hangUp();
  expect(await nothing).toBeUndefined();
});

test('a path that no socket can have is an error', () => {
  const store = temporaryStore();
  expect(() => listenToMonitor({ ...store, runtime: `/tmp/${'x'.repeat(108)}` }, ID)).toThrow(/at most 107 bytes/);
});
