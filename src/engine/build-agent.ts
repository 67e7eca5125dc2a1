/** RUN --mount=type=ssh: the step has a socket of its own, and what it says goes to an agent outside. */
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import { serveAgent } from '#build/agent.ts';
import type { BuildSsh } from '#build/request.ts';
import type { Store } from '#store/store.ts';
import { removeTree } from '#sys/file.ts';
import { findTool } from '#sys/host.ts';
import { run, signalProcess, startTime } from '#sys/process.ts';

export interface Agent extends AsyncDisposable {
  /** Of the socket. */
  path: string;
}

interface Forwarding {
  id: string;
  environment: NodeJS.ProcessEnv;
  owner: { uid?: number; gid?: number; mode?: number };
}

/** Throws kind `not-found` where no agent answers, `invalid` for keys that can't be read. */
export async function forwardAgent(
  store: Store,
  agent: BuildSsh,
  { id, environment, owner }: Forwarding,
): Promise<Agent> {
  const open = new AsyncDisposableStack();
  try {
    const folder = join(store.runtime, 's', id);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    open.defer(() => removeTree(folder));
    const outside = await agentOf(agent, environment, open);
    const path = join(folder, 'agent');
    const server = createServer((inside) => void serveAgent(inside, connect(outside)));
    await new Promise<void>((resolve, reject) => server.on('error', reject).listen(path, resolve));
    open.defer(() => void server.close());
    chownSync(path, owner.uid ?? 0, owner.gid ?? 0);
    chmodSync(path, owner.mode ?? 0o600);
    return { path, [Symbol.asyncDispose]: () => open.disposeAsync() };
  } catch (error) {
    await open.disposeAsync();
    throw error;
  }
}

/** A socket that was named, or one of an agent that is started for the keys that were named. */
async function agentOf(
  { id, paths }: BuildSsh,
  environment: NodeJS.ProcessEnv,
  open: AsyncDisposableStack,
): Promise<string> {
  const [first = ''] = paths;
  const stat = statSync(first, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new WherryError('not-found', `Cannot forward the ssh agent "${id}": there is no "${first}"`);
  if (stat.isSocket()) return first;
  return startAgent(paths, environment, open);
}

async function startAgent(
  keys: readonly string[],
  environment: NodeJS.ProcessEnv,
  open: AsyncDisposableStack,
): Promise<string> {
  const program = findTool('ssh-agent', environment);
  if (program === undefined) {
    throw new WherryError('unsupported', 'Cannot give a build step ssh keys: ssh-agent is not installed', {
      hint: 'Install OpenSSH (openssh-client)',
    });
  }
  const { stdout } = await run(program, ['-s'], { env: environment });
  const socket = /SSH_AUTH_SOCK=([^;]+);/.exec(stdout)?.[1] ?? '';
  const pid = Number(/SSH_AGENT_PID=(\d+);/.exec(stdout)?.[1] ?? 0);
  const start = startTime(pid);
  // A step may have taken so long that it is gone, and another has its number.
  if (start !== undefined) open.defer(async () => void (await signalProcess(pid, start, constants.signals.SIGTERM)));
  for (const key of keys) {
    // Of a file, ssh-add would want that nobody else may read it; BuildKit does not.
    const added = await run('ssh-add', ['-q', '-'], {
      env: { ...environment, SSH_AUTH_SOCK: socket, SSH_ASKPASS: '/bin/false' },
      input: readFileSync(key, 'utf8'),
    });
    if (added.status !== 0) throw new WherryError('invalid', `Cannot use the ssh key "${key}": ${added.stderr.trim()}`);
  }
  return socket;
}
