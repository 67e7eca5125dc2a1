/**
 * The process that unpacks layers, one after the other, each in a chroot of its own: whatever an archive names, it can
 * reach nothing but its layer. Reads tasks from standard input (tasks.ts), answers on standard output, and ends with
 * its parent. Everything that is needed later is loaded before the first chroot: there is no way to files from inside.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { hasCode, WherryError } from '#base/error.ts';
import { type Answer, Gone, type Task, type TaskReader, taskReader } from '#store/tasks.ts';
import { unpackStream } from '#store/unpack-stream.ts';
import { chroot, fchdir, forgetPages, setxattr, syncfs } from '#sys/ffi.ts';
import { removeTree } from '#sys/file.ts';

const outside = openSync('/', 'r');
const STDIN = 0;
const READ = 128 * 1024;
const FORGET_EVERY = 2 * 1024 * 1024;
const reader = taskReader(STDIN);
process.umask(0);

void serve();

async function serve(): Promise<never> {
  for (let task = reader.task(); task !== undefined; task = reader.task()) {
    const answer = await unpack(task, reader);
    writeSync(1, `${JSON.stringify(answer)}\n`);
    // After an error there is more in the pipe than anybody wants: the parent starts another child.
    if (!('digest' in answer)) break;
  }
  process.exit(0);
}

async function unpack(task: Task, source: TaskReader): Promise<Answer> {
  const blob = openSync(task.blob, 'r');
  enter(task.directory);
  try {
    const unpacked = await unpackStream(task, content(blob, task, source));
    sync();
    return unpacked;
  } catch (error) {
    if (error instanceof Gone) {
      leave();
      removeTree(task.directory);
      process.exit(0);
    }
    if (error instanceof WherryError) return { kind: error.kind, message: error.message, hint: error.hint };
    return { defect: (error as Error).stack ?? String(error) };
  } finally {
    closeSync(blob);
    leave();
  }
}

/** The blob's bytes as they arrive in its file, each piece there until the next one is asked for. */
function* content(fd: number, { forget }: Task, source: TaskReader): Generator<Buffer, void, void> {
  const buffer = Buffer.allocUnsafe(READ);
  let at = 0;
  let forgotten = 0;
  for (let whole = false; !whole; ) {
    const growth = source.growth();
    whole = growth.whole;
    while (at < growth.size) {
      const count = readSync(fd, buffer, 0, Math.min(READ, growth.size - at), at);
      if (count === 0) throw new Error(`the blob has ${at} bytes, not ${growth.size}`);
      at += count;
      yield buffer.subarray(0, count);
      if (!forget || at - forgotten < FORGET_EVERY) continue;
      forgetPages(fd, 0, at);
      forgotten = at;
    }
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

/** A layer that is visible must be whole also after a power cut. One sync of the file system is faster than thousands. */
function sync(): void {
  const root = openSync('/', 'r');
  try {
    syncfs(root);
  } finally {
    closeSync(root);
  }
}
