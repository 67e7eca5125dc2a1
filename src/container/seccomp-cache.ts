/**
 * Compiled seccomp filters, kept until the next boot. libseccomp needs 15 ms to compile Docker's profile for the three
 * instruction sets of a PC: more than all the rest of crun. crun leaves what it compiled in its state directory, and
 * takes it again from an annotation (crun(1), run.oci.seccomp_bpf_data).
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '#base/error.ts';
import type { ContainerRecord } from '#container/record.ts';
import { findRuntime, type Runtime } from '#oci/runtime.ts';
import type { Seccomp, Spec } from '#oci/spec.ts';
import type { Store } from '#store/store.ts';
import { readText, replace } from '#sys/file.ts';

const ANNOTATION = 'run.oci.seccomp_bpf_data';

export interface Filtered {
  /** With the filter where it is known. The rules stay: a runtime that does not know the annotation goes by them. */
  spec: Spec;
  /** To be called when the container has started: keeps what the runtime has compiled. Not there when it is kept. */
  keep?: () => void;
}

/** Gives the runtime the compiled filter, or sees to it that the next container gets it. */
export function withCompiledFilter(store: Store, record: ContainerRecord, spec: Spec): Filtered {
  const { seccomp } = spec.linux;
  if (seccomp === undefined || notifies(seccomp) || spec.annotations?.[ANNOTATION] !== undefined) return { spec };
  const runtime = findRuntime(record.hostConfig.Runtime);
  if (runtime.kind !== 'crun') return { spec };
  const key = keyOf(runtime, seccomp);
  const path = join(store.runtime, 'seccomp', `${hash(key)}.json`);
  const data = readEntry(path, key);
  if (data !== undefined) return { spec: { ...spec, annotations: { ...spec.annotations, [ANNOTATION]: data } } };
  return { spec, keep: () => keepFilter(join(store.runtime, 'crun', record.id, 'seccomp.bpf'), { path, key }) };
}

/** Such a filter is bound to a listener. */
function notifies({ listenerPath, syscalls = [] }: Seccomp): boolean {
  return listenerPath !== undefined || syscalls.some((rule) => rule.action === 'SCMP_ACT_NOTIFY');
}

/** The rules, and the very program that compiles them: a newer one may do it otherwise. */
function keyOf({ path }: Runtime, seccomp: Seccomp): string {
  const { mtimeMs, size, ino } = statSync(path);
  return JSON.stringify([path, mtimeMs, size, ino, seccomp]);
}

/** FNV-1a: a name for the file; what counts is the whole key in it. node:crypto would cost 5 ms. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return (value >>> 0).toString(16).padStart(8, '0');
}

function readEntry(path: string, key: string): string | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  // Two lines: the filter in base64, the key.
  const end = text.indexOf('\n');
  return end > 0 && text.length === end + 1 + key.length && text.endsWith(key) ? text.slice(0, end) : undefined;
}

/** sock_filter(2): 8 bytes an instruction, of which the kernel takes 32768. */
const INSTRUCTION = 8;
const MOST = 32768 * INSTRUCTION;

/** There are as many as there are sets of capabilities and profiles in use: a handful. */
const MOST_ENTRIES = 64;

function keepFilter(source: string, { path, key }: { path: string; key: string }): void {
  let filter: Buffer;
  try {
    filter = readFileSync(source);
  } catch (error) {
    // The container has ended already, or this crun keeps it elsewhere: the next one compiles again.
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return;
    throw error;
  }
  if (filter.length === 0 || filter.length > MOST || filter.length % INSTRUCTION !== 0) return;
  const directory = join(path, '..');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const entries = readdirSync(directory);
  if (entries.length >= MOST_ENTRIES) for (const name of entries) rmSync(join(directory, name), { force: true });
  replace(path, `${filter.toString('base64')}\n${key}`);
}
