/**
 * update: other limits and another restart policy for a container that is there. A running one has them at once, by the
 * runtime, and all later starts by its record and its bundle.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostConfig, RestartPolicy } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import type { HealthAction } from '#base/extras.ts';
import { checkHealthAction } from '#container/create.ts';
import { recordContainerEvent } from '#container/event.ts';
import { type Facts, hostFacts } from '#container/facts.ts';
import { resources } from '#container/limits.ts';
import { settleLimits } from '#container/limits-check.ts';
import { runtimeOf } from '#container/monitor.ts';
import { findContainer, readRecord, replaceRecord } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { tellHealthAction, tellRestartPolicy } from '#container/restart.ts';
import { rawNumber } from '#container/seccomp.ts';
import { checkRestartPolicy } from '#container/settle.ts';
import { readState } from '#container/state.ts';
import type { Resources, Spec } from '#oci/spec.ts';
import type { Store } from '#store/store.ts';
import { lock, readText, replace } from '#sys/file.ts';
import { run } from '#sys/process.ts';
import { randomHex } from '#sys/random.ts';

/** What may change; 0, '' and absent: as it is. PidsLimit: -1 lifts it. */
export type Update = Pick<
  HostConfig,
  | 'BlkioWeight'
  | 'CpuPeriod'
  | 'CpuQuota'
  | 'CpuRealtimePeriod'
  | 'CpuRealtimeRuntime'
  | 'CpuShares'
  | 'NanoCpus'
  | 'CpusetCpus'
  | 'CpusetMems'
  | 'Memory'
  | 'MemoryReservation'
  | 'MemorySwap'
  | 'PidsLimit'
> & { RestartPolicy?: RestartPolicy; healthAction?: HealthAction };

/**
 * Changes one container; gives Docker's warnings. What a running container's cgroup refuses leaves everything as it was.
 * Throws kind `invalid`, `not-found`, or `conflict`: `Cannot update container ID: …`, in Docker's words.
 */
export async function updateContainer(
  store: Store,
  name: string,
  update: Update,
  facts: Facts = hostFacts(store),
): Promise<string[]> {
  const { healthAction, ...rest } = update;
  const asked = { ...rest } as HostConfig;
  if (update.RestartPolicy !== undefined) checkRestartPolicy(update.RestartPolicy);
  const warnings = settleLimits(asked, facts.cgroup, { update: true });
  const { id } = findContainer(store, name);
  using _held = await lock(store.path('containers', id));
  const before = readRecord(store, id);
  if (before === undefined) throw new WherryError('not-found', `No such container: ${name}`);
  checkHealthAction(healthAction, before.config.Healthcheck);
  const extras = healthAction === undefined ? before.extras : { ...before.extras, healthAction };
  const record = { ...before, hostConfig: merge(before, asked), ...(extras && { extras }) };
  const limits = changedResources(record.hostConfig, asked);
  if (limits !== undefined && isAlive(store, id)) await applyNow(store, record, limits, facts);
  replaceRecord(store, record);
  if (update.RestartPolicy !== undefined) await tellRestartPolicy(store, id, update.RestartPolicy);
  if (healthAction !== undefined) await tellHealthAction(store, id, healthAction);
  recordContainerEvent(store, record, 'update');
  return warnings;
}

const isAlive = (store: Store, id: string) => ['running', 'paused'].includes(readState(store, id)?.status ?? '');

const conflict = (id: string, why: string) => new WherryError('conflict', `Cannot update container ${id}: ${why}`);

/** Docker's rules for what goes with what is there (moby, container.UpdateContainer). */
function merge({ id, hostConfig: old }: ContainerRecord, asked: HostConfig): HostConfig {
  const clash = (one: string, other: string) =>
    conflict(id, `Conflicting options: ${one} cannot be updated as ${other} has already been set`);
  const has = (value: number | undefined) => (value ?? 0) > 0;
  if (has(asked.NanoCpus) && has(old.CpuPeriod)) throw clash('Nano CPUs', 'CPU Period');
  if (has(asked.NanoCpus) && has(old.CpuQuota)) throw clash('Nano CPUs', 'CPU Quota');
  if (has(asked.CpuPeriod) && has(old.NanoCpus)) throw clash('CPU Period', 'NanoCPUs');
  if (has(asked.CpuQuota) && has(old.NanoCpus)) throw clash('CPU Quota', 'NanoCPUs');
  if (asked.Memory > 0 && asked.Memory > (old.MemorySwap ?? 0) && !asked.MemorySwap) {
    throw conflict(
      id,
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    );
  }
  if (asked.RestartPolicy && asked.RestartPolicy.Name !== 'no' && old.AutoRemove) {
    throw conflict(id, 'Restart policy cannot be updated because AutoRemove is enabled for the container');
  }
  const { PidsLimit: pids, ...rest } = asked;
  const changed = Object.fromEntries(Object.entries(rest).filter(([, value]) => Boolean(value)));
  return { ...old, ...changed, ...(pids ? { PidsLimit: Math.max(pids, 0) } : {}) };
}

/** What the runtime is to change: of values that hang together, all. Undefined where there is nothing. */
function changedResources(host: HostConfig, asked: HostConfig): Resources | undefined {
  const memory = Boolean(asked.Memory || asked.MemorySwap);
  const bandwidth = Boolean(asked.NanoCpus || asked.CpuPeriod || asked.CpuQuota);
  return resources({
    ...asked,
    Memory: memory ? host.Memory : 0,
    MemorySwap: memory ? (host.MemorySwap ?? 0) : 0,
    NanoCpus: bandwidth ? host.NanoCpus : 0,
    CpuPeriod: bandwidth ? (host.CpuPeriod ?? 0) : 0,
    CpuQuota: bandwidth ? (host.CpuQuota ?? 0) : 0,
  });
}

/** By the runtime, and in the bundle, from which the monitor starts the container again. */
async function applyNow(store: Store, record: ContainerRecord, limits: Resources, { cgroup }: Facts): Promise<void> {
  const { id } = record;
  if (cgroup.manager === 'disabled') return;
  const place = join(store.path('containers', id), `update-${randomHex(4)}`);
  const runtime = runtimeOf(store, record, { cgroupManager: cgroup.manager });
  const [program = '', ...args] = runtime.update(id, `${place}.json`);
  try {
    writeFileSync(`${place}.json`, JSON.stringify(limits), { mode: 0o600 });
    const { status, stderr } = await run(program, args, { env: runtime.env });
    if (status !== 0)
      throw conflict(id, `${runtime.kind} did not terminate successfully: exit status ${status}: ${said(stderr)}`);
  } finally {
    rmSync(`${place}.json`, { force: true });
  }
  changeBundle(store.path('containers', id, 'bundle', 'config.json'), limits);
}

/** A runtime's last line, without its time and level. */
function said(stderr: string): string {
  const line = stderr.trim().split('\n').at(-1) ?? '';
  return line.replace(/^\S+Z?: /, '').replace(/^time=\S+ level=\w+ msg="?(.*?)"?$/, '$1');
}

function changeBundle(path: string, limits: Resources): void {
  const spec = readSpec(path);
  if (spec === undefined) return;
  const { resources: old = {} } = spec.linux;
  const memory = { ...old.memory, ...limits.memory };
  const cpu = { ...old.cpu, ...limits.cpu };
  const blockIO = { ...old.blockIO, ...limits.blockIO };
  spec.linux.resources = { ...old, ...limits, memory, cpu, blockIO };
  replace(path, JSON.stringify(spec));
}

/** Numbers that a double can't hold (limits of 2^64 - 1) stay as they are written. */
function readSpec(path: string): Spec | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const exact = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && context?.source !== undefined
      ? rawNumber(context.source)
      : value;
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown) as Spec;
}
