/** exec for who listens: a command in a running container whose output is heard line by line, and goes nowhere else. */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { splitLines } from '#base/lines.ts';
import { type ExecRequest, execContainer } from '#container/exec.ts';
import { NO_STREAMS } from '#container/streams.ts';
import type { Store } from '#store/store.ts';
import { pipe } from '#sys/spawn.ts';

/** How long what the command left behind may still have something to say, in milliseconds. */
const LEFT = 100;

/**
 * Runs it to its end and gives its status; output and errors come as one, as they are printed. Why it could not be started
 * is a line as well. Throws as execContainer().
 */
export async function execHeard(
  store: Store,
  name: string,
  request: Omit<ExecRequest, 'tty' | 'detach' | 'streams' | 'output'>,
  hear: (line: string) => void,
): Promise<number> {
  const [reading, output] = pipe();
  const socket = new Socket({ fd: reading, readable: true, writable: false });
  const lines = splitLines((line) => hear(line.replace(/\r$/, '')));
  socket.setEncoding('utf8').on('data', lines.add);
  const said = new Promise((resolve) => socket.once('close', resolve));
  try {
    const whole = { ...request, tty: false, detach: false, streams: NO_STREAMS, output };
    const exec = await execContainer(store, name, whole, () => Promise.resolve());
    if (exec.kind === 'started') return await exec.exited;
    hear(exec.message);
    return exec.status;
  } finally {
    closeSync(output);
    // A process that it started may keep the pipe for ever.
    const patience = setTimeout(() => socket.destroy(), LEFT);
    await said;
    clearTimeout(patience);
    lines.end();
  }
}
