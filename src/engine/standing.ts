/**
 * Answers that stand: what a command said that changed nothing, an `up -d` with nothing to do or a list. It is noted with
 * all that was looked at, and the launcher says it again while none of that has changed, without Node's start
 * (native/launcher/standing.h has the note's form).
 */
import { type BigIntStats, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import type { State } from '#container/record.ts';
import { isRunning, readState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { replace } from '#sys/file.ts';

export interface Answer {
  /** When the command began, in milliseconds since the epoch: nothing it looked at may have changed since. */
  began: number;
  /** Where it was written to: standard output or error. */
  fd: 1 | 2;
  text: string;
  /** Files outside of the store that were read or looked for; an answer from anything else does not stand. */
  looked: readonly string[];
  /** Names of the variables of the environment that were asked for, whether they are set or not. */
  asked: readonly string[];
  /** Ids of the containers it is about. */
  containers: readonly string[];
  /** Names of the volumes it is about. */
  volumes: readonly string[];
  /** Was it looked whether they are healthy? */
  health: boolean;
  /** RFC 3339, of what it tells the age: it stands until one of them is told otherwise. */
  moments?: readonly string[];
}

/** Notes of other command lines and directories that are kept, of each user: a note is a few kilobytes of memory. */
const KEPT = 64;

const SECOND = 1_000_000_000n;

/**
 * How long a file must have been as it is, in nanoseconds: within one tick of the clock that its times are taken from it
 * could be changed once more without a trace. That is some milliseconds, and where only seconds are kept up to two (FAT).
 */
const settling = (time: bigint): bigint => (time % SECOND === 0n ? 2n * SECOND : SECOND / 10n);

/**
 * Notes an answer where the launcher has asked for it, and where it can stand. What can't be noted is only said anew by
 * the next command, so that a full disk is no concern here.
 */
export function noteAnswer(store: Store, answer: Answer): void {
  const [name, stamp] = (process.env.WHERRY_STANDING ?? '').split(' ');
  const program = process.argv[1] ?? '';
  // A source tree has more files than its first.
  if (!name || !stamp || program.endsWith('.ts')) return;
  try {
    const files = factsOf([program, ...answer.looked, ...pathsOf(store, answer)], answer.began);
    const span = spanOf(answer);
    if (files === undefined || span === undefined) return;
    const monitors = answer.containers.flatMap((id) => monitorOf(readState(store, id)));
    const facts = [...span, ...files, ...answer.asked.flatMap(variableFact), ...monitors];
    const directory = join(store.runtime, 'standing');
    mkdirSync(directory, { mode: 0o700, recursive: true });
    forgetOldest(directory);
    replace(join(directory, name), [stamp, ...facts, `${answer.fd}${answer.text}`, ''].join('\0'));
  } catch (error) {
    if (!(error instanceof WherryError) && !hasCode(error, 'ENOSPC', 'EDQUOT', 'EROFS', 'EACCES')) throw error;
  }
}

/** What of the store it depends on: names there are, and what is noted of those it is about. */
function pathsOf(store: Store, { containers, volumes, health }: Answer): string[] {
  const files = ['container.json', 'state.json', 'network.json', ...(health ? ['health.json'] : [])];
  return [
    ...['index.json', 'containers', 'networks', 'volumes'].map((name) => store.path(name)),
    ...volumes.map((name) => store.path('volumes', name)),
    ...containers.flatMap((id) => files.map((name) => store.path('containers', id, name))),
  ];
}

/** How long all ages are told as they were when the command began; undefined where one has changed since. */
function spanOf({ began, moments = [] }: Answer): string[] | undefined {
  if (moments.length === 0) return [];
  const until = Math.min(...moments.map((moment) => nextTold(Date.parse(moment), began)));
  return until > Date.now() ? [`~${Math.trunc(began)}`, `${Math.trunc(until)}`] : undefined;
}

/** When the words for an age may change next (humanDuration): each second, then each minute, then each half an hour. */
function nextTold(since: number, now: number): number {
  const age = now - since;
  const step = age < 60_000 ? 1000 : age < 3_600_000 ? 60_000 : 1_800_000;
  return since + (Math.floor(age / step) + 1) * step;
}

/** Those of compose and Docker are in the stamp, as they were before this command read files and flags. */
function variableFact(name: string): string[] {
  if (/^(COMPOSE|DOCKER|WHERRY)_/.test(name)) return [];
  const value = process.env[name];
  return value === undefined ? [`!${name}`] : [`$${name}=${value}`];
}

/** That something runs is believed while its monitor lives. */
const monitorOf = (state: State | undefined) =>
  isRunning(state) ? [`@${state.monitorPid}`, `${state.monitorStart}`] : [];

/** How the files are; undefined where one has no name here (standard input, an address), or was changed just now. */
function factsOf(paths: readonly string[], began: number): string[] | undefined {
  const before = BigInt(Math.trunc(began)) * 1_000_000n;
  const facts: string[] = [];
  for (const path of new Set(paths)) {
    if (!path.startsWith('/') || path.includes('\0')) return undefined;
    const fact = factOf(path, before);
    if (fact === undefined) return undefined;
    facts.push(...fact);
  }
  return facts;
}

/** Was it so before that moment (nanoseconds), and long enough? */
const isSettled = ({ ctimeNs }: BigIntStats, before: bigint): boolean => ctimeNs + settling(ctimeNs) < before;

function factOf(path: string, before: bigint): string[] | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return isLongGone(path, before) ? [`-${path}`] : undefined;
  const { dev, ino, size, mtimeNs, ctimeNs } = found;
  return isSettled(found, before) ? [`=${path}`, [dev, ino, size, mtimeNs, ctimeNs].join(' ')] : undefined;
}

/** Who takes a file away changes its directory. */
function isLongGone(path: string, before: bigint): boolean {
  const above = dirname(path);
  const found = statSync(above, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? isLongGone(above, before) : isSettled(found, before);
}

function forgetOldest(directory: string): void {
  const names = readdirSync(directory);
  if (names.length < KEPT) return;
  const age = (name: string) => statSync(join(directory, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const [oldest] = names.map((name) => ({ name, age: age(name) })).sort((a, b) => a.age - b.age);
  if (oldest !== undefined) rmSync(join(directory, oldest.name), { force: true });
}
