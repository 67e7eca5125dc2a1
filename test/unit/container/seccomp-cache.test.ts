import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { withCompiledFilter } from '#container/seccomp-cache.ts';
import { makeSpec } from '#container/spec.ts';
import type { Store } from '#store/store.ts';
import { found, ID, record, type Wish } from '#test/support/requests.ts';
import { temporaryDirectory, temporaryStore } from '#test/support/store.ts';

const FILTER = Buffer.alloc(16, 7);
const ANNOTATION = 'run.oci.seccomp_bpf_data';

let store: Store;
let crun: string;

beforeEach(() => {
  store = temporaryStore();
  crun = program('crun');
});

function program(name: string): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, 0o755);
  return path;
}

/** What crun leaves of a started container. */
function compiled(content: Buffer): void {
  const path = join(store.runtime, 'crun', ID, 'seccomp.bpf');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

function filtered(wish: Wish = {}, runtime = crun) {
  const of = record({ ...wish, host: { Runtime: runtime, ...wish.host } });
  return withCompiledFilter(store, of, makeSpec({ record: of, rootfs: '/r', files: {}, found: found() }));
}

test('what crun has compiled for one container is given to the next', () => {
  const first = filtered();
  expect(first.spec.annotations).toBeUndefined();
  compiled(FILTER);
  first.keep?.();
  const next = filtered({ host: { Annotations: { a: 'b' } } });
  expect(next.spec.annotations).toEqual({ a: 'b', [ANNOTATION]: FILTER.toString('base64') });
  expect(next.spec.linux.seccomp).toEqual(first.spec.linux.seccomp);
  expect(next.keep).toBeUndefined();
});

test('another set of rules is compiled for itself', () => {
  compiled(FILTER);
  filtered().keep?.();
  expect(filtered({ host: { CapAdd: ['SYS_ADMIN'] } }).spec.annotations).toBeUndefined();
});

test('another crun compiles anew', () => {
  compiled(FILTER);
  filtered().keep?.();
  utimesSync(crun, 1, 1);
  expect(filtered().keep).toBeTypeOf('function');
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['a torn file', Buffer.alloc(15)],
  ['more than the kernel takes', Buffer.alloc(32769 * 8)],
])('%s is not kept', (_what, content) => {
  compiled(content);
  filtered().keep?.();
  expect(filtered().spec.annotations).toBeUndefined();
});

test('a container that has ended before anybody looked leaves nothing', () => {
  filtered().keep?.();
  expect(filtered().spec.annotations).toBeUndefined();
});

test('other runtimes, open containers and filters with a listener go their usual way', () => {
  const listener = 'seccomp={"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/l","syscalls":[]}';
  for (const { keep, spec } of [
    filtered({}, program('runc')),
    filtered({ host: { SecurityOpt: ['seccomp=unconfined'] } }),
    filtered({ host: { SecurityOpt: [listener] } }),
  ]) {
    expect([keep, spec.annotations]).toEqual([undefined, undefined]);
  }
});
