/**
 * Compiles a program of the bundle and writes V8's code of it: `bundle-train.ts PROGRAM`. V8 compiles a function when
 * it is first called, and what it had compiled until then is in the code; so the program is run with command lines
 * that call what is common, before.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';

/** They end before there is a container: by the help, by a mistake, or by an image that is not there. */
const LINES = [
  ['--version'],
  ['run', '--help'],
  ['stop'],
  ['ps', '-a'],
  ['ps', '-q', '--filter', 'name=x', '--format', '{{.ID}}'],
  ['images'],
  ['inspect', 'nothing'],
  ['exec', 'nothing', 'true'],
  ['start', 'nothing'],
  ['stop', 'nothing'],
  ['rm', '-f', 'nothing'],
  ['logs', 'nothing'],
  ['wait', 'nothing'],
  ['kill', 'nothing'],
  ['restart', 'nothing'],
  ['port', 'nothing'],
  ['rmi', 'nothing'],
  ['tag', 'nothing', 'other'],
  ['run', '--rm', '--pull', 'never', '-e', 'A=b', '-v', '/tmp:/x', '-p', '80', '--name', 'x', 'nothing', 'true'],
  ['run', '-d', '--pull', 'never', '--network', 'none', 'nothing'],
];

const program = process.argv[2] ?? '';
const filename = `${program}.js`;
const script = new Script(readFileSync(filename, 'latin1'), { filename });

class Exit extends Error {}

/** Runs the program once; its exit ends that, not us, and what it writes goes nowhere. */
async function run(words: string[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.argv = [process.execPath, filename, ...words];
  process.exit = () => {
    resolve();
    throw new Exit();
  };
  const module = { exports: {} };
  script.runInThisContext()(createRequire(filename), module, module.exports, pathToFileURL(filename).href);
  await promise;
}

mkdirSync(process.env.WHERRY_RUNTIME_DIR ?? '', { recursive: true });
// process.exit() must not go on where it is called, and what it throws has nowhere else to go.
process.on('unhandledRejection', (error) => {
  if (!(error instanceof Exit)) throw error;
});
const { exit } = process;
// Who listens for the end sees to it that the program does not take the short way out.
process.on('exit', () => undefined);
const [entry, word] = /\/(main)-(?:([a-z]+)-)?[0-9a-f]{16}\.program/.exec(filename)?.slice(1) ?? [];
if (entry !== undefined) for (const words of LINES) if (word === undefined || words[0] === word) await run(words);
process.removeAllListeners('uncaughtException');
const code = `${program}-${process.arch}-${process.versions.v8}.code`;
writeFileSync(`${code}.${process.pid}.tmp`, script.createCachedData());
renameSync(`${code}.${process.pid}.tmp`, code);
exit(0);
