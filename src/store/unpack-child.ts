/**
 * The process that unpacks layers, one after the other, each in a chroot of its own: whatever an archive names, it can
 * reach nothing but its layer. Reads tasks from standard input (frames.ts), answers on standard output, and ends with
 * its parent. Everything that is needed later is loaded before the first chroot: there is no way to files from inside.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Transform } from 'node:stream';
import { hasCode, WherryError } from '#base/error.ts';
import { decompressor, MAGIC_LENGTH } from '#store/decompress.ts';
import { extraction } from '#store/extract.ts';
import { type Answer, type FrameReader, frameReader, Gone, type Task } from '#store/frames.ts';
import { tarReader } from '#store/tar.ts';
import { chroot, fchdir, setxattr, syncfs } from '#sys/ffi.ts';
import { removeTree } from '#sys/file.ts';

/** How much is handed to the archive reader at once. It goes down one call a member: 256 KiB are at most 512 of them. */
const PIECE = 256 * 1024;

const outside = openSync('/', 'r');
const reader = frameReader(process.stdin);
process.umask(0);

void serve();

async function serve(): Promise<never> {
  for (let task = await reader.task(); task !== undefined; task = await reader.task()) {
    const answer = await unpack(task, reader);
    writeSync(1, `${JSON.stringify(answer)}\n`);
    // After an error there is more in the pipe than anybody wants: the parent starts another child.
    if (!('digest' in answer)) break;
  }
  process.exit(0);
}

async function unpack(task: Task, source: FrameReader): Promise<Answer> {
  enter(task.directory);
  try {
    return await extract(task, source.content());
  } catch (error) {
    if (error instanceof Gone) {
      leave();
      removeTree(task.directory);
      process.exit(0);
    }
    if (error instanceof WherryError) return { kind: error.kind, message: error.message, hint: error.hint };
    return { defect: (error as Error).stack ?? String(error) };
  } finally {
    leave();
  }
}

function enter(directory: string): void {
  chroot(directory);
  try {
    // A default ACL of the user's home would come down on every file.
    setxattr('/', 'system.posix_acl_default', Buffer.alloc(0));
  } catch (error) {
    if (!hasCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'ENODATA', 'EINVAL')) throw error;
  }
}

/** The way back that root has who kept a descriptor. */
function leave(): void {
  fchdir(outside);
  chroot('.');
}

async function extract({ namespace }: Task, content: AsyncGenerator<Buffer, void, void>): Promise<Answer> {
  const hash = createHash('sha256');
  const layer = extraction(namespace);
  const archive = tarReader(layer.onEntry);
  const take = async (bytes: Buffer) => {
    hash.update(bytes);
    for (let at = 0; at < bytes.length; at += PIECE) await archive.write(bytes.subarray(at, at + PIECE));
  };
  const start = await beginning(content);
  const { through, cut } = decompressor(start);
  if (through === undefined) {
    await take(start);
    for await (const bytes of content) await take(bytes);
  } else {
    await Promise.all([compressed(through, start, content, cut), decompressed(through, take)]);
  }
  await archive.end();
  const { size } = layer.finish();
  sync();
  return { digest: `sha256:${hash.digest('hex')}`, size };
}

/** A layer that is visible must be whole also after a power cut. One sync of the file system is faster than thousands. */
function sync(): void {
  const root = openSync('/', 'r');
  try {
    syncfs(root);
  } finally {
    closeSync(root);
  }
}

async function beginning(content: AsyncGenerator<Buffer, void, void>): Promise<Buffer> {
  let start: Buffer = Buffer.alloc(0);
  while (start.length < MAGIC_LENGTH) {
    const { value, done } = await content.next();
    if (done === true) break;
    start = start.length === 0 ? value : Buffer.concat([start, value]);
  }
  return start;
}

async function compressed(
  through: Transform,
  start: Buffer,
  content: AsyncGenerator<Buffer, void, void>,
  cut: (chunk: Buffer) => Buffer[],
): Promise<void> {
  const write = async (bytes: Buffer) => {
    for (const piece of cut(bytes)) if (!through.write(piece)) await once(through, 'drain');
  };
  try {
    await write(start);
    for await (const bytes of content) await write(bytes);
  } catch (error) {
    throw asDamage(error);
  }
  through.end();
}

async function decompressed(through: Transform, take: (bytes: Buffer) => Promise<void>): Promise<void> {
  try {
    for await (const bytes of through) await take(bytes);
  } catch (error) {
    throw asDamage(error);
  }
}

/** Errors of zlib and zstd (node:zlib's codes) are the blob's fault. */
function asDamage(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'Z_BUF_ERROR') return new WherryError('corrupt', 'the compressed data is cut off');
  if (!/^Z_|^ZSTD_/.test(code)) return error;
  return new WherryError('corrupt', `the compressed data is damaged: ${(error as Error).message}`);
}
