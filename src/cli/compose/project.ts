/** What the commands of compose have in common: their flags before and after the verb, and the project they are about. */
import { resolve } from 'node:path';
import { reasonOf } from '#base/errno.ts';
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { goJson } from '#base/go-json.ts';
import type { Context, Definition, Flags, Values } from '#cli/command.ts';
import { command } from '#cli/command.ts';
import { composeFlags } from '#cli/compose/flags.ts';
import { checkSettings, modeOf, sayWordless } from '#cli/compose/settings.ts';
import { describe, isAbort } from '#cli/fail.ts';
import { boolean } from '#cli/values.ts';
import type { LoadOptions } from '#compose/load.ts';
import type { Project } from '#compose/model/project.ts';
import type { TreeMap } from '#compose/model/tree.ts';

/** Stands after the verb as well as before it. */
const COMMON = { 'dry-run': { as: boolean, summary: 'Execute command in dry run mode' } } as const satisfies Flags;

/** Marks the definition of a compose command and gives it the flags that all have. */
export function composeCommand<const F extends Flags>(
  definition: Omit<Definition<F>, 'run'> & {
    // biome-ignore lint/suspicious/noConfusingVoidType: a command that has nothing to say needs no return
    run(context: Context, args: string[], values: Values<F>): Promise<number | void> | number | void;
  },
): Definition {
  return command({
    ...definition,
    terse: true,
    flags: { ...definition.flags, ...COMMON },
    run: async (context: Context, args: string[], values: Values<F>) => {
      await takeSettings(context);
      checkSettings(context);
      try {
        return await definition.run(context, args, values);
      } catch (error) {
        // An interruption has no words.
        if (isAbort(error) && context.abort.aborted) sayWordless(context);
        if (modeOf(context) !== 'json' || !(error instanceof WherryError)) throw error;
        context.err.line(goJson({ error: true, message: describe(error) }));
        return error.exitCode ?? 1;
      }
    },
  } as Definition<F>);
}

/** --dry-run, before or after the verb. values: the verb's own. */
export const isDryRun = (context: Context, values: object): boolean =>
  composeFlags(context).dryRun || ('dryRun' in values && values.dryRun === true);

/** For what stays in front of a container and can't be pretended. Throws kind `unsupported` in compose's words. */
export function refuseDryRun(context: Context, values: object, what: 'interactive exec' | 'interactive run'): void {
  if (!isDryRun(context, values)) return;
  throw new WherryError('unsupported', `${what} is not supported in dry-run mode`);
}

/** What a verb may want otherwise than others: nothing of it is what `up` wants. */
export type Wishes = Partial<
  Pick<
    LoadOptions,
    | 'interpolate'
    | 'normalize'
    | 'resolvePaths'
    | 'consistency'
    | 'resolveEnvironment'
    | 'profiles'
    | 'remoteIncluded'
    | 'look'
    | 'ask'
  >
>;

/**
 * The project of this command line: files, env files, profiles and name as the flags and COMPOSE_* say. services: only
 * these and what they depend on; their profiles become active. What is to be warned of goes to standard error. Throws kind
 * `invalid` in compose's words.
 */
export async function openProject(
  context: Context,
  services: readonly string[] = [],
  wishes: Wishes = {},
): Promise<Project> {
  const { loadProject } = await import('#compose/load.ts');
  const { withNamedEnabled, withSelected, withoutUnused } = await import('#compose/model/select.ts');
  const { resolveEnvFiles } = await import('#compose/load/dotenv.ts');
  const loaded = await loadProject(loadOptions(context, { ...wishes, resolveEnvironment: false }));
  const selected = withSelected(withNamedEnabled(loaded, services), services);
  // Only those that are wanted: what others lack is no concern of theirs.
  if (wishes.resolveEnvironment !== false) {
    resolveEnvFiles(selected, {
      warn: (text) => warn(context, text),
      ...given({ look: wishes.look }),
    });
  }
  return composeFlags(context).allResources ? selected : withoutUnused(selected);
}

/** The tree of these files before it is typed: what --no-interpolate shows. */
export async function openModel(context: Context, wishes: Wishes = {}): Promise<TreeMap> {
  const { loadModel } = await import('#compose/load.ts');
  return loadModel(loadOptions(context, wishes));
}

/**
 * What env files say of compose itself (COMPOSE_ANSI, COMPOSE_MENU …) becomes the process's where that says
 * nothing of it. What is wrong with these files is told where the project is read: not every command reads it.
 */
async function takeSettings(context: Context): Promise<void> {
  const { variablesFound } = await import('#compose/load/files.ts');
  let found: Record<string, string>;
  try {
    found = variablesFound({ ...where(context), warn: () => undefined });
  } catch (error) {
    if (error instanceof WherryError) return;
    throw error;
  }
  for (const [name, value] of Object.entries(found)) {
    if (name.startsWith('COMPOSE_') && !EARLY.includes(name)) process.env[name] ??= value;
  }
}

/** What docker compose has read before it reads a file. */
const EARLY = ['COMPOSE_ENV_FILES', 'COMPOSE_PROGRESS', 'COMPOSE_REMOVE_ORPHANS', 'COMPOSE_STATUS_STDOUT'];

/** What loading needs to know of the command line and of the environment. */
function loadOptions(context: Context, wishes: Wishes = {}): LoadOptions {
  const { projectName, profile } = composeFlags(context);
  return {
    ...where(context),
    stdin: readStandardInput,
    ...given({ projectName: projectName || undefined }),
    ...(profile.length === 0 ? {} : { profiles: profile }),
    ...wishes,
    // Asked for by what is fetched alone: else Ctrl-C would be taken from the verbs that leave it to the kernel.
    get abort() {
      return context.abort;
    },
  };
}

/** Where a project's files are to be looked for. */
function where(context: Context) {
  return {
    files: composeFlags(context).file,
    cwd: workingDirectory(),
    environment: processEnvironment(),
    warn: (text: string) => warn(context, text),
    envFiles: envFiles(context).map((file) => resolve(file)),
    ...given({ projectDirectory: projectDirectory(context) }),
  };
}

/** --env-file, or COMPOSE_ENV_FILES. */
export function envFiles(context: Context): string[] {
  const { envFile } = composeFlags(context);
  return envFile.length > 0 ? envFile : (process.env.COMPOSE_ENV_FILES ?? '').split(',').filter((file) => file !== '');
}

/** --project-directory, or --workdir of old. */
function projectDirectory(context: Context): string | undefined {
  const { projectDirectory: directory, workdir } = composeFlags(context);
  return directory || workdir || undefined;
}

/** Throws kind `invalid` where it has been removed, can't be read, or is on a mount that our namespace has not. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new WherryError('invalid', `The working directory can't be had: ${reasonOf(error)}`, {
      hint: 'Change to another one, or to the same one anew (cd "$PWD")',
      cause: error,
    });
  }
}

/** What the launcher tells Node is no concern of a compose file's. */
const LAUNCHERS = new Set(
  ['GID', 'HOME', 'INSIDE', 'NAMESPACE', 'PROGRAM', 'RUNTIME_DIR', 'STANDING', 'UID'].map((word) => `WHERRY_${word}`),
);

/** As compose has it: PWD is there even where the shell did not set it. */
function processEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !LAUNCHERS.has(name)) environment[name] = value;
  }
  environment.PWD ??= workingDirectory();
  return environment;
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** A warning as compose's log writes it: short on a terminal, with the time elsewhere. */
export function warn(context: Context, text: string): void {
  const time = new Date().toISOString().replace(/\.\d+/, '');
  const long = `time=${JSON.stringify(time)} level=warning msg=${JSON.stringify(text)}`;
  context.err.line(context.err.isTerminal ? `\x1b[33mWARN\x1b[0m[0000] ${text}` : long);
}
