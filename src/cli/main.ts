/** The program: a command line becomes a command, and its end an exit status. The only place that sets one. */
import { constants } from 'node:os';
import { WherryError } from '#base/error.ts';
import type { Context, Definition, Flags } from '#cli/command.ts';
import { type Found, findCommand, GROUPS, loadCommand, loadGroupFlags } from '#cli/commands.ts';
import { fail, Interrupted, isBrokenPipe } from '#cli/fail.ts';
import { checkGlobals, type Globals, parseGlobals } from '#cli/globals.ts';
import { openOutput } from '#cli/output.ts';
import { argumentMistake, cobraMistake, type Parsed, parseFlags } from '#cli/parse.ts';
import type { Store } from '#engine/open.ts';

const program = process.env.WHERRY_PROGRAM === 'docker' ? 'docker' : 'wherry';
const out = openOutput(1);
const err = openOutput(2);
let interruption: Interrupted | undefined;
/** The way out of who has nothing left to write. */
let exit: (status: number) => never = process.exit;

/** The user's own NODE_OPTIONS were kept from us, but are theirs to pass on. */
function restoreEnvironment(): void {
  const options = process.env.WHERRY_NODE_OPTIONS;
  if (options === undefined) return;
  process.env.NODE_OPTIONS = options;
  delete process.env.WHERRY_NODE_OPTIONS;
}

const helpWidth = () => out.columns - 1;

/** Runs a command line and returns the exit status. Never throws. */
async function main(argv: readonly string[]): Promise<number> {
  let parsed: Parsed;
  try {
    parsed = parseGlobals(argv);
  } catch (error) {
    const usage = `\nUsage:  ${program} [OPTIONS] COMMAND [ARG...]\n\nRun '${program} --help' for more information`;
    return misuse(error, usage);
  }
  try {
    const globals = checkGlobals(parsed);
    if (globals.config !== undefined) process.env.DOCKER_CONFIG = globals.config;
    return await dispatch(globals);
  } catch (error) {
    return fail(err, error, { program, name: '', interrupted: interruption });
  }
}

async function dispatch(globals: Globals): Promise<number> {
  const { words } = globals;
  if (globals.version) return printVersion();
  if (globals.help) return printHelp([]);
  // Nothing was asked for: an answer, but not one for a pipe. As docker.
  if (words.length === 0) return printHelp([], err);
  if (words[0] === 'help') return printHelp(words.slice(1));
  if (words[0] === '__complete') return complete(words.slice(1));
  const found = findCommand(words);
  if (found === undefined) return unknownCommand(words[0] ?? '');
  if ('group' in found) return runGroup(found.group, found.rest, globals);
  return runCommand(found, await loadCommand(found.key), globals);
}

async function printVersion(): Promise<number> {
  const { versionLine } = await import('#cli/system/version.ts');
  out.line(versionLine(program));
  return 0;
}

/** `help`, `help run`, `help container ls`. */
async function printHelp(words: readonly string[], to = out): Promise<number> {
  const help = await import('#cli/help.ts');
  const found = findCommand(words);
  if (words.length === 0) to.write(await help.programHelp(program, helpWidth()));
  else if (found === undefined) return complain(`unknown help topic: ${words.join(' ')}`, 1);
  else if ('group' in found) to.write(await help.groupHelp(program, found.group, helpWidth()));
  else to.write(help.commandHelp(program, found, await loadCommand(found.key), helpWidth()));
  return 0;
}

async function complete(words: readonly string[]): Promise<number> {
  const { completions } = await import('#cli/complete.ts');
  for (const line of await completions(words)) out.line(line);
  return 0;
}

function complain(text: string, status: number): number {
  err.line(text);
  return status;
}

function unknownCommand(word: string): number {
  return complain(`${program}: unknown command: ${program} ${word}\n\nRun '${program} --help' for more information`, 1);
}

async function runGroup(group: string, rest: readonly string[], globals: Globals): Promise<number> {
  const flags = await loadGroupFlags(group);
  if (group === 'compose') return runFlaggedGroup(group, rest, flags, globals);
  const usage = `\nUsage:  ${program} ${group}\n\nRun '${program} ${group} --help' for more information`;
  try {
    const { args, help, warnings } = parseFlags(rest, flags, { interspersed: false });
    for (const warning of warnings) out.line(warning);
    if (help || args.length === 0) return await printHelp([group], help ? out : err);
    const found = findCommand([group, ...args]);
    // Its commands, and groups in it, take the same: what stands before the name is read with what stands behind it.
    const whole = [...rest.slice(0, rest.length - args.length), ...(found?.rest ?? [])];
    if (found !== undefined && 'key' in found) {
      return await runCommand({ ...found, rest: whole }, await loadCommand(found.key), globals);
    }
    if (found !== undefined && found.group !== group) return await runGroup(found.group, whole, globals);
    return complain(`${program}: unknown command: ${program} ${group} ${args[0]}\n${usage}`, 1);
  } catch (error) {
    return misuse(error, usage);
  }
}

/** `compose -f x up`: the group's own flags, then a command of it. */
async function runFlaggedGroup(
  group: string,
  rest: readonly string[],
  flags: Flags,
  globals: Globals,
): Promise<number> {
  let before: Parsed;
  try {
    before = parseFlags(rest, flags, { interspersed: false });
  } catch (error) {
    return tellMistake(error);
  }
  for (const warning of before.warnings) out.line(warning);
  const isVersion = before.values.version === true;
  if (isVersion && before.args.length > 0) {
    return complain(`unknown command ${JSON.stringify(before.args[0])} for "${program} ${group} version"`, 1);
  }
  const words = isVersion ? ['version'] : before.args;
  if (before.help || words.length === 0) return printHelp([group]);
  const found = findCommand([group, ...words]);
  if (found !== undefined && 'key' in found) return runCommand(found, await loadCommand(found.key), globals, before);
  await printHelp([group]);
  return complain(`unknown docker command: "${group} ${words[0]}"`, 1);
}

/** What is wrong with the command line, and no more. */
function tellMistake(error: unknown): number {
  return error instanceof WherryError ? complain(error.message, 1) : fail(err, error, { program, name: '' });
}

/** The flags of the command's group, as they are when none is given. */
async function absentFlags(name: string): Promise<Parsed | undefined> {
  const [group = ''] = name.split(' ');
  return Object.hasOwn(GROUPS, group) ? parseFlags([], await loadGroupFlags(group)) : undefined;
}

/** A command line that could not be read: the reason and the usage. */
function misuse(error: unknown, usage: string): number {
  if (!(error instanceof WherryError)) return fail(err, error, { program, name: '' });
  return complain(`${error.message}\n${usage}`, 125);
}

async function runCommand(found: Found, definition: Definition, globals: Globals, before?: Parsed): Promise<number> {
  const { name, key, rest } = found;
  let parsed: Parsed;
  try {
    const shared = name.startsWith('buildx ') ? await loadGroupFlags('buildx') : {};
    const flags = { ...shared, ...definition.flags };
    parsed = parseFlags(rest, flags, { interspersed: definition.interspersed !== false });
  } catch (error) {
    return definition.terse ? tellMistake(error) : misuse(error, await usageText(name, definition));
  }
  // As Docker's: pflag writes this to where the help goes.
  for (const warning of parsed.warnings) out.line(warning);
  if (parsed.help) return printHelp(name.split(' '));
  const wrong = await misuseOf(name, definition, parsed);
  if (wrong !== undefined) return complain(wrong, definition.misuseStatus ?? 1);
  const debug = globals.debug || parsed.values.debug === true || Boolean(process.env.WHERRY_DEBUG);
  try {
    const store = definition.store === false ? undefined : await openStore();
    const group = before ?? (await absentFlags(key));
    const context = makeContext({ name, store, given: parsed.given, group, debug });
    return (await definition.run(context, parsed.args, parsed.values as never)) ?? 0;
  } catch (error) {
    const prefixed = definition.prefixed === true;
    return fail(err, error, { program, name, prefixed, debug, interrupted: interruption });
  }
}

/** What is wrong with the number of arguments, as it is said; undefined if nothing. */
async function misuseOf(name: string, definition: Definition, { args, values }: Parsed): Promise<string | undefined> {
  if (definition.terse) return cobraMistake(definition, args, `docker ${name}`);
  const byFlag = definition.firstByFlag !== undefined && values[definition.firstByFlag] === true ? 1 : 0;
  const wrong = argumentMistake(definition, args.length + byFlag);
  if (wrong === undefined) return undefined;
  return `${program}: '${program} ${name}' ${wrong.reason}\n${await usageText(name, definition, wrong.pointer)}`;
}

async function usageText(name: string, definition: Definition, pointer = 'Run'): Promise<string> {
  const { usageLine } = await import('#cli/help.ts');
  return `\nUsage:  ${usageLine(program, name, definition)}\n\n${pointer} '${program} ${name} --help' for more information`;
}

async function openStore(): Promise<Store> {
  const engine = await import('#engine/open.ts');
  exit = (status) => {
    engine.exitAtOnce(status);
    process.exit(status);
  };
  return engine.openStore();
}

interface ContextParts {
  name: string;
  store: Store | undefined;
  given: ReadonlySet<string>;
  group: Parsed | undefined;
  debug: boolean;
}

function makeContext({ name, store, given, group, debug }: ContextParts): Context {
  let abort: AbortSignal | undefined;
  return {
    program,
    name,
    out,
    err,
    given,
    group: { values: group?.values ?? {}, given: group?.given ?? new Set() },
    debug,
    get store() {
      if (store === undefined) throw new TypeError(`the definition of "${name}" says that it needs no store`);
      return store;
    },
    get abort() {
      abort ??= abortOnSignals();
      return abort;
    },
  };
}

/** The first signal asks the command to end; who sends three is in a hurry. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  let count = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      count += 1;
      interruption ??= new Interrupted(signal, constants.signals[signal]);
      controller.abort(interruption);
      if (count === 3) process.exit(interruption.status);
    });
  }
  return controller.signal;
}

/** What is thrown outside of any command's reach: a stream whose reader has gone, or a defect. */
function onUncaught(error: unknown): void {
  process.exit(isBrokenPipe(error) ? 141 : fail(err, error, { program, name: '' }));
}

/** Which of the stream objects were asked for: making one costs milliseconds, so we don't ask ourselves. */
function watchStreams(): Set<NodeJS.WriteStream> {
  const used = new Set<NodeJS.WriteStream>();
  for (const name of ['stdout', 'stderr'] as const) {
    const { get, ...property } = Object.getOwnPropertyDescriptor(process, name) ?? {};
    const watched = () => {
      const stream = get?.call(process);
      used.add(stream);
      return stream;
    };
    Object.defineProperty(process, name, { ...property, get: watched });
  }
  return used;
}

/** Bytes may be left in a stream: a pipe or a terminal is written to at once, a socket later. */
async function drain(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength > 0) await new Promise((resolve) => stream.once('drain', resolve).once('close', resolve));
}

async function run(): Promise<never> {
  restoreEnvironment();
  process.on('uncaughtException', onUncaught);
  const used = watchStreams();
  const status = await main(process.argv.slice(2));
  for (const stream of used) await drain(stream);
  return exit(status);
}

// Not a top-level await: the bundle is a CommonJS script, which starts faster.
void run();
