/** The step `run`: its program in a container of its own, by the runtime, with what it changes in a directory. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { WherryError } from '#base/error.ts';
import type { RunWork, Scope } from '#build/solve/means.ts';
import { forgetInRuntime, type PlacedRuntime, runtimeOf } from '#container/monitor.ts';
import type { ContainerRecord } from '#container/record.ts';
import { REFUSED } from '#container/refusal.ts';
import { withCompiledFilter } from '#container/seccomp-cache.ts';
import { makeSpec } from '#container/spec.ts';
import { lookAround } from '#container/surroundings.ts';
import { openMounts, type StepSecrets } from '#engine/build-mounts.ts';
import { joinStep } from '#engine/build-network.ts';
import { type StepSurroundings, stepRecord } from '#engine/build-record.ts';
import { stepSaid } from '#engine/build-said.ts';
import { missingPlaces, removeStubs } from '#engine/build-stubs.ts';
import { STEP } from '#network/leases.ts';
import type { Spec } from '#oci/spec.ts';
import { mountByDriver, storageDriver } from '#store/driver.ts';
import { layerPath } from '#store/layers.ts';
import { stageDirectory, stagingName } from '#store/staging.ts';
import type { Store } from '#store/store.ts';
import { syncfs } from '#sys/ffi.ts';
import { readText, removeTree } from '#sys/file.ts';
import { unmountTree } from '#sys/overlay.ts';
import { run } from '#sys/process.ts';
import { randomHex } from '#sys/random.ts';
import { leaveSession } from '#sys/scope.ts';

export interface StepOptions extends StepSurroundings, StepSecrets {}

/** Throws kind `invalid` in BuildKit's words for a program that fails. Nothing stays mounted, whatever fails. */
export async function runStep(store: Store, work: RunWork, scope: Scope, options: StepOptions): Promise<void> {
  await leaveSession(store.host.uid);
  const id = `${STEP}${randomHex(12)}`;
  const place = store.path('tmp', stagingName('step'));
  const held = stageDirectory(place, 0o700);
  const at = (name: string) => join(place, name);
  try {
    // For who finds it when this was killed.
    writeFileSync(at('id'), id);
    for (const name of ['work', 'merged', 'bundle', 'empty']) mkdirSync(at(name), { mode: 0o755 });
    const runIt = () => runMounted(store, work, scope, { ...options, id, place, rootfs: at('merged') });
    const diffIds = work.layers.map(({ diffId }) => diffId);
    const { driver } = await storageDriver(store);
    if (driver === 'copy') {
      const { withCopiedRoot } = await import('#engine/build-copied.ts');
      await withCopiedRoot(store, { diffIds, place, upper: work.upper }, runIt);
      return;
    }
    const lower = diffIds.map((diffId) => layerPath(store, diffId)).reverse();
    const overlay = { lower: [...lower, at('empty')], upper: work.upper, work: at('work'), target: at('merged') };
    await mountByDriver(store, { ...overlay, volatile: true }, 'the root of a build step');
    try {
      await runIt();
      // What programs have written may be in the kernel still, and not with the process behind the mount.
      if (driver === 'fuse-overlayfs') flush(at('merged'));
    } finally {
      unmountTree(at('merged'));
    }
  } finally {
    removeTree(place);
    closeSync(held);
  }
}

function flush(mounted: string): void {
  const fd = openSync(mounted, 'r');
  try {
    syncfs(fd);
  } finally {
    closeSync(fd);
  }
}

interface Place extends StepOptions {
  id: string;
  place: string;
  rootfs: string;
}

async function runMounted(store: Store, work: RunWork, scope: Scope, options: Place): Promise<void> {
  const { id, place, rootfs } = options;
  const { step } = work;
  const { record, warnings } = stepRecord(store, id, step, options);
  for (const warning of warnings) scope.log(2, Buffer.from(`WARNING: ${warning.replace(/^WARNING: /, '')}\n`));
  const stubs = missingPlaces(rootfs, ['/etc/resolv.conf', '/etc/hosts', ...work.mounts.map(({ target }) => target)]);
  await using network = await joinStep(store, record, place);
  const found = lookFor(store, record, rootfs, step);
  await using mounts = await openMounts(store, work, { ...options, scope, identity: found.identity });
  const plain = makeSpec({
    record,
    rootfs,
    files: network.files,
    found,
    ...(network.netns === undefined ? {} : { netns: network.netns }),
  });
  const wanted = withStep(plain, work, { mounts: mounts.mounts, env: mounts.env, home: found.identity.home });
  const { spec, keep } = withCompiledFilter(store, record, wanted);
  writeFileSync(join(place, 'bundle', 'config.json'), JSON.stringify(spec));
  await network.made;
  try {
    await runBundle(store, record, { step: work.step, scope, place, manager: found.facts.cgroup.manager, keep });
  } finally {
    removeStubs(stubs);
  }
}

/** A path of programs where the image names none. */
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

interface Additions {
  mounts: Spec['mounts'];
  env: readonly string[];
  home: string;
}

/** BuildKit's environment: none of what a container has beside its image's. */
function withStep(spec: Spec, { step }: RunWork, { mounts, env, home }: Additions): Spec {
  const entries = [...step.env, ...env, ...Object.entries(step.proxy).map(([name, value]) => `${name}=${value}`)];
  const has = (name: string) => entries.some((entry) => entry.startsWith(`${name}=`));
  const full = [...(has('PATH') ? [] : [PATH]), ...entries, ...(has('HOME') ? [] : [`HOME=${home}`])];
  return { ...spec, process: { ...spec.process, env: full }, mounts: [...spec.mounts, ...mounts] };
}

interface Bundle {
  step: RunWork['step'];
  scope: Scope;
  place: string;
  manager: Parameters<typeof runtimeOf>[2]['cgroupManager'];
  keep: (() => void) | undefined;
}

async function runBundle(store: Store, record: ContainerRecord, bundle: Bundle): Promise<void> {
  const { step, scope, place, manager, keep } = bundle;
  const log = join(place, 'runtime.log');
  const runtime = runtimeOf(store, record, { cgroupManager: manager, log });
  mkdirSync(join(store.runtime, runtime.kind), { recursive: true, mode: 0o700 });
  const [program = '', ...args] = runtime.runInFront({ id: record.id, bundle: join(place, 'bundle') });
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: runtime.env, cwd: '/', detached: true });
  const aborted = () => void endStep(child, record, runtime);
  scope.abort.addEventListener('abort', aborted, { once: true });
  if (scope.abort.aborted) aborted();
  try {
    const status = await finished(child, { scope, started: keep });
    scope.abort.throwIfAborted();
    judge(status, step, readText(log) ?? '');
  } finally {
    scope.abort.removeEventListener('abort', aborted);
    await forgetInRuntime(store, record.id, runtime);
  }
}

/** Its end ends the runtime in front, too. Asked again until then: the runtime may not have made the container yet. */
async function endStep(child: ChildProcess, { id }: ContainerRecord, runtime: PlacedRuntime): Promise<void> {
  const [program = '', ...args] = runtime.delete(id, { force: true });
  while (child.exitCode === null && child.signalCode === null) {
    await run(program, args, { env: runtime.env }).catch(() => undefined);
    await setTimeout(50);
  }
}

/** The exit status, when all output has been told. */
function finished(
  child: ChildProcessByStdio<null, Readable, Readable>,
  { scope, started }: { scope: Scope; started: (() => void) | undefined },
): Promise<number> {
  let keep = started;
  const said = stepSaid((stream, data) => scope.log(stream, data));
  const take = (stream: 1 | 2) => (data: Buffer) => {
    said.take(stream, data);
    keep?.();
    keep = undefined;
  };
  child.stdout.on('data', take(1));
  child.stderr.on('data', take(2));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve(said.end(code ?? (signal === null ? 1 : 128)));
    });
  });
}

/** Throws what a status means. log: the runtime's; why it could not start a program, it has said among the step's lines. */
function judge(status: number, step: RunWork['step'], log: string): void {
  const accepted = step.validExitCodes ?? [0];
  if (accepted.includes(status)) return;
  throw incomplete(step, `exit code: ${hasErrors(log) && status !== REFUSED ? 1 : status}`);
}

const incomplete = ({ args }: RunWork['step'], why: string) =>
  new WherryError('invalid', `process ${JSON.stringify(args.join(' '))} did not complete successfully: ${why}`);

/** As lookAround(), in BuildKit's words where nobody has the step's user's name. */
function lookFor(store: Store, record: ContainerRecord, rootfs: string, step: RunWork['step']) {
  try {
    return lookAround(store, record, rootfs);
  } catch (error) {
    if (error instanceof WherryError && error.kind === 'not-found') throw incomplete(step, error.message);
    throw error;
  }
}

/** Has the runtime itself complained? JSON lines. */
const hasErrors = (log: string) => /"level": ?"error"/.test(log);
