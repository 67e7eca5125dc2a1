import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { writeState } from '#container/state.ts';
import { type Answer, noteAnswer } from '#engine/standing.ts';
import type { Store } from '#store/store.ts';
import { addContainer, recordOf, stateOf } from '#test/support/container.ts';
import { temporaryDirectory, temporaryStore } from '#test/support/store.ts';

const ID = 'c'.repeat(64);
const NAME = 'a'.repeat(32);

let store: Store;
let file: string;

beforeEach(() => {
  store = temporaryStore();
  addContainer(store, recordOf({ id: ID, name: 'web' }));
  file = join(temporaryDirectory(), 'compose.yaml');
  writeFileSync(file, 'services: {}\n');
  process.env.WHERRY_STANDING = `${NAME} stamp`;
});
afterEach(() => {
  delete process.env.WHERRY_STANDING;
});

/** Ten seconds from now: what is there by then is as old as in a project that has been running for a while. */
const later = () => Date.now() + 10_000;

const note = (change: Partial<Answer> = {}) =>
  noteAnswer(store, {
    began: later(),
    fd: 2,
    text: ' Container web  Running\n',
    looked: [file],
    asked: [],
    containers: [ID],
    volumes: [],
    health: false,
    ...change,
  });

const notes = () => join(store.runtime, 'standing');

/** The note's strings; undefined where there is none. */
function noted(): string[] | undefined {
  try {
    return readFileSync(join(notes(), NAME), 'utf8').split('\0');
  } catch {
    return undefined;
  }
}

test('a note begins with the stamp, tells of each file, and ends with what was said', () => {
  note();
  const [stamp, ...facts] = noted() ?? [];
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
  expect(stamp).toBe('stamp');
  expect(facts.slice(-2)).toEqual(['2 Container web  Running\n', '']);
  expect(facts[facts.indexOf(`=${file}`) + 1]).toBe(`${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`);
  for (const name of ['containers', 'networks', 'volumes', `containers/${ID}/container.json`]) {
    expect(facts).toContain(`=${store.path(name)}`);
  }
  expect(facts).toContain(`-${store.path('containers', ID, 'state.json')}`);
  expect(facts).not.toContain(`-${store.path('containers', ID, 'health.json')}`);
});

test('what was looked for and is not there is told, too, and so are checks that were waited for', () => {
  const override = join(dirname(file), 'compose.override.yaml');
  note({ looked: [file, override, override], health: true, volumes: ['data'] });
  expect(noted()?.filter((fact) => fact === `-${override}`)).toHaveLength(1);
  expect(noted()).toContain(`-${store.path('containers', ID, 'health.json')}`);
  expect(noted()).toContain(`-${store.path('volumes', 'data')}`);
});

test('variables that were asked for are told, but for those that every answer depends on', () => {
  process.env.WHERRY_TEST_ASKED = 'x';
  process.env.STANDING_SET = 'a=b';
  onTestFinished(() => {
    delete process.env.WHERRY_TEST_ASKED;
    delete process.env.STANDING_SET;
  });
  note({ asked: ['STANDING_SET', 'STANDING_UNSET', 'WHERRY_TEST_ASKED', 'COMPOSE_PROFILES'] });
  const facts = noted() ?? [];
  expect(facts.filter((fact) => /^[$!]/.test(fact))).toEqual(['$STANDING_SET=a=b', '!STANDING_UNSET']);
});

test('a container that runs does so as long as its monitor lives', () => {
  const state = stateOf();
  writeState(store, ID, state);
  note();
  const facts = noted() ?? [];
  expect(facts[facts.indexOf(`@${process.pid}`) + 1]).toBe(`${state.monitorStart}`);
});

test('one that has ended has none', () => {
  writeState(store, ID, stateOf({ status: 'exited' }));
  note();
  expect(noted()?.some((fact) => fact.startsWith('@'))).toBe(false);
});

test.each([
  [500, 1000],
  [59_100, 60_000],
  [61_000, 120_000],
  [3_599_000, 3_600_000],
  [3_601_000, 5_400_000],
  [86_400_000, 88_200_000],
])('what is %i ms old when the command begins is told so until it is %i', (age, until) => {
  const began = later();
  const moment = new Date(began - age).toISOString();
  note({ began, moments: [new Date(began - 86_400_000 * 30).toISOString(), moment] });
  const facts = noted() ?? [];
  expect(facts[facts.indexOf(`~${began}`) + 1]).toBe(`${began - age + until}`);
});

test('nothing is noted of what has changed while it was looked at, or so shortly before that it would not be seen', () => {
  for (const began of [Date.now(), Date.now() - 60_000]) note({ began });
  expect(noted()).toBeUndefined();
  // The time that anybody can set does not count.
  utimesSync(file, 1, 1);
  note({ began: Date.now() });
  expect(noted()).toBeUndefined();
});

test('nor where a file has gone meanwhile', () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'project'));
  const path = join(directory, 'project', 'below', 'compose.yaml');
  note({ looked: [path] });
  expect(noted()).toContain(`-${path}`);
  rmSync(notes(), { recursive: true });
  note({ looked: [path], began: Date.now() });
  expect(noted()).toBeUndefined();
});

test('nor of what is no file of this machine, or without a launcher that asks for it', () => {
  note({ looked: [file, '-'] });
  note({ looked: [file, 'oci://registry.example/app'] });
  delete process.env.WHERRY_STANDING;
  note();
  expect(noted()).toBeUndefined();
});

test('a new note takes the place of the same command’s, and of the oldest where there are many', () => {
  note();
  note({ text: 'other\n' });
  expect(noted()?.at(-2)).toBe('2other\n');
  utimesSync(join(notes(), NAME), 1, 1);
  for (let i = 0; i < 70; i += 1) {
    process.env.WHERRY_STANDING = `${String(i).padStart(32, '0')} stamp`;
    note();
  }
  expect(readdirSync(notes())).toHaveLength(64);
  expect(noted()).toBeUndefined();
});
