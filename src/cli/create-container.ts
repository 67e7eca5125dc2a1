/** What run and create share: a request becomes a container, with the pull's progress, warnings and the id's file. */
import { closeSync, existsSync, openSync, rmSync, writeSync } from 'node:fs';
import type { CreateRequest } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import type { Context } from '#cli/command.ts';
import { reason } from '#cli/run-files.ts';
import { createContainer, type PullPolicy } from '#engine/run.ts';

export interface CreateFlags {
  pull: string;
  quiet: boolean;
  /** A container of the same name goes first. */
  replace: boolean;
  /** No start follows at once, which would fill fresh volumes. */
  fill?: boolean;
  abort?: AbortSignal;
}

/** Reads --pull. Throws kind `invalid` in Docker's words. */
export function readPullPolicy(text: string): PullPolicy {
  if (text === 'always' || text === 'missing' || text === 'never') return text;
  if (text === '') return 'missing';
  throw new WherryError('invalid', `invalid pull option: '${text}': must be one of "always", "missing" or "never"`);
}

/**
 * Makes the container and gives its id. Says on standard error that the image is fetched, how far that is, and what
 * the engine warns of. The file of --cidfile has the id, or is not there.
 */
export async function create(context: Context, request: CreateRequest, flags: CreateFlags): Promise<string> {
  const pull = readPullPolicy(flags.pull);
  if (flags.replace) await removeNamesake(context, request);
  const file = openIdFile(request.hostConfig.ContainerIDFile);
  const show = progressOf(context, flags.quiet);
  try {
    const { id, warnings } = await createContainer(context.store, request, {
      pull,
      missing: (reference) => {
        if (!flags.quiet) context.err.line(`Unable to find image '${reference}' locally`);
      },
      progress: (event) => show.report(event),
      fill: flags.fill ?? false,
      ...(flags.abort === undefined ? {} : { abort: flags.abort }),
    });
    await show.end();
    for (const warning of warnings) context.err.line(`WARNING: ${warning}`);
    file.write(id);
    return id;
  } catch (error) {
    await show.end();
    throw asDaemonError(error);
  } finally {
    file.close();
  }
}

/** --replace */
async function removeNamesake({ store }: Context, { name }: CreateRequest): Promise<void> {
  if (name === undefined) throw new WherryError('invalid', 'cannot replace container without --name being set');
  const { removeContainer } = await import('#engine/start.ts');
  try {
    await removeContainer(store, name.replace(/^\//, ''), { force: true });
  } catch (error) {
    if (!(error instanceof WherryError) || error.kind !== 'not-found') throw error;
  }
}

/** Progress is drawn by a module that only a pull needs: loaded with the first event. */
function progressOf(context: Context, quiet: boolean) {
  const early: Parameters<Drawn['report']>[0][] = [];
  let drawn: Drawn | undefined;
  let loading: Promise<void> | undefined;
  const load = async () => {
    const { showProgress } = await import('#cli/progress.ts');
    drawn = showProgress(context.err, { quiet });
    for (const event of early.splice(0)) drawn.report(event);
  };
  return {
    report: (event: (typeof early)[number]) => {
      if (drawn !== undefined) drawn.report(event);
      else early.push(event);
      loading ??= load();
    },
    end: async () => {
      await loading;
      drawn?.end();
    },
  };
}

type Drawn = ReturnType<typeof import('#cli/progress.ts').showProgress>;

/** Docker's daemon would have said it: what is invalid has its prefix, too, but for names that its client reads. */
export function asDaemonError(error: unknown): unknown {
  if (!(error instanceof WherryError) || error.kind !== 'invalid' || /^invalid reference format/.test(error.message)) {
    return error;
  }
  const prefix = /platform specifier|: unknown operating system or architecture|: wildcards not yet/.test(error.message)
    ? 'error parsing specified platform'
    : 'Error response from daemon';
  return new WherryError('invalid', `${prefix}: ${error.message}`, {
    cause: error.cause,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.exitCode === undefined ? {} : { exitCode: error.exitCode }),
  });
}

interface IdFile {
  write(id: string): void;
  /** Takes the file away unless the id was written. */
  close(): void;
}

/** --cidfile: made before the container is, so that nothing has to be undone where it can't be. */
function openIdFile(path: string): IdFile {
  if (path === '') return { write: () => undefined, close: () => undefined };
  if (existsSync(path)) {
    throw new WherryError(
      'invalid',
      `container ID file found, make sure the other container isn't running or delete ${path}`,
    );
  }
  const fd = openNew(path);
  let written = false;
  return {
    write: (id) => {
      writeSync(fd, id);
      written = true;
    },
    close: () => {
      closeSync(fd);
      if (!written) rmSync(path, { force: true });
    },
  };
}

function openNew(path: string): number {
  try {
    return openSync(path, 'wx', 0o666);
  } catch (cause) {
    throw new WherryError('invalid', `failed to create the container ID file: open ${path}: ${reason(cause)}`, {
      cause,
    });
  }
}

/** --rm of a container that never ran. */
export async function removeUnstarted({ store }: Pick<Context, 'store'>, id: string): Promise<void> {
  const { removeContainer } = await import('#engine/start.ts');
  try {
    await removeContainer(store, id, { volumes: true });
  } catch (error) {
    // It ran after all and its own end took it away, or it runs still: the first error is the one to tell.
    if (!(error instanceof WherryError)) throw error;
  }
}
