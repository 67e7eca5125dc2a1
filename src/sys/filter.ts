/** Programs that bytes are sent through: xz, bzip2. */
import { spawn } from 'node:child_process';
import { WherryError } from '#base/error.ts';
import { missing } from '#sys/process.ts';

/**
 * What the program makes of these bytes, while they come. Throws kind `unsupported` when it is not installed, `corrupt`
 * with its last words when it fails, and what the source throws.
 */
export async function* throughProgram(
  program: string,
  args: readonly string[],
  source: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<{ status: number | null }>((resolve, reject) => {
    child.once('error', (error) => reject(missing(program, error)));
    child.once('close', (status) => resolve({ status }));
  });
  // Each is waited for below, but perhaps only after it has failed.
  ended.catch(() => undefined);
  const words: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => words.push(chunk));
  const fed = feed(child.stdin, source);
  fed.catch(() => child.kill());
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const { status } = await ended;
    await fed;
    if (status === 0) return;
    const why = Buffer.concat(words).toString().trim().split('\n').at(-1);
    throw new WherryError('corrupt', why || `${program} ended with status ${status}`);
  } finally {
    child.kill();
  }
}

/** A program that takes no more is judged by its status. */
async function feed(stdin: NodeJS.WritableStream, source: AsyncIterable<Buffer>): Promise<void> {
  let open = true;
  stdin.on('error', () => {
    open = false;
  });
  stdin.on('close', () => {
    open = false;
  });
  for await (const chunk of source) {
    if (!open) return;
    if (!stdin.write(Buffer.from(chunk)))
      await new Promise((resolve) => stdin.once('drain', resolve).once('close', resolve));
  }
  stdin.end();
}
