/**
 * Bundles src/ into dist/: `npm run build`. For each entry: a program (one script with all that it may load), V8's
 * compiled code of it, and a small file with the entry's name that runs the program from both.
 *
 * Why not ES modules, as in src/: Node takes half a millisecond for each file of a graph, and compiling the script
 * takes longer than all that most commands do. From V8's code, `wherry stop` starts in a third of the time.
 *
 * dist/ is changed in place and works at every instant, for who runs it meanwhile and for two builds at once: programs
 * are named by their content's hash, the entries are renamed over the old ones last, and a program that no longer
 * belongs is removed only when it has been unused for a while.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import type { Flag } from '#cli/command.ts';
import { COMPOSE_FLAGS } from '#cli/compose/flags.ts';
import {
  apart,
  apartEntry,
  builtins,
  onlyCommand,
  PROGRAM_URL,
  stringWidth,
  undici,
  yargs,
} from '#test/support/bundle-plugins.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');

const ENTRIES = ['src/cli/main.ts', 'src/store/unpack-child.ts'];

/**
 * What people and scripts call most: each word has a program of its own, with its command alone. A third of the text and
 * of the compiled code of all commands together is as much less to read. The monitor calls `container cleanup`; of
 * compose, the verb is the word.
 */
const OWN: Record<string, string> = {
  build: 'build/build',
  cleanup: 'container/cleanup',
  'compose-config': 'compose/config',
  'compose-down': 'compose/down',
  'compose-ps': 'compose/ps',
  'compose-up': 'compose/up',
  create: 'container/create',
  exec: 'container/exec',
  images: 'image/ls',
  inspect: 'system/inspect',
  kill: 'container/kill',
  logs: 'container/logs',
  ps: 'container/ps',
  rm: 'container/rm',
  run: 'container/run',
  start: 'container/start',
  stop: 'container/stop',
};

/** How long a program that no build wants any more stays, for commands that are running. Milliseconds. */
const KEEP = 10 * 60 * 1000;

interface Program {
  /** The entry's name, without suffix. */
  name: string;
  text: string;
}

async function bundle(): Promise<Program[]> {
  const entries = ENTRIES.map((path) => ({ in: path, out: basename(path, '.ts') }));
  const programs = await textsOf({ entryPoints: entries }, [apart()]);
  const others = await textsOf({ stdin: { contents: apartEntry, resolveDir: root, sourcefile: 'apart.js' } }, []);
  const own = Object.entries(OWN).map(async ([word, module]) => {
    const packages = apart(...(word.startsWith('compose-') ? ['js-yaml'] : []));
    const [program] = await textsOf({ entryPoints: entries.slice(0, 1) }, [onlyCommand(module), packages]);
    return { name: `main-${word}`, text: program?.text ?? '' };
  });
  return [...programs, ...others.map(({ text }) => ({ name: 'apart', text })), ...(await Promise.all(own))];
}

async function textsOf(entries: Pick<BuildOptions, 'entryPoints' | 'stdin'>, plugins: Plugin[]): Promise<Program[]> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const { outputFiles } = await build({
    ...entries,
    absWorkingDir: root,
    outdir: dist,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    supported: { 'dynamic-import': false },
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // A native module: it stays in node_modules.
    external: ['ffi-rs'],
    define: { WHERRY_VERSION: JSON.stringify(version), 'import.meta.url': PROGRAM_URL },
    plugins: [...plugins, yargs, stringWidth, undici, builtins],
    logLevel: 'warning',
  });
  // What a script needs of a module comes as arguments.
  return outputFiles.map(({ path, text }) => ({
    name: basename(path, '.js'),
    text: `(function(require,module,exports,${PROGRAM_URL}){${text}\n})`,
  }));
}

/**
 * Runs a program from its compiled code: that of the command where it was trained, else what is common to all; where
 * both are absent or of another V8, from the text. With WHERRY_TRAIN in the environment, what this run had to compile is
 * added to the command's code for the next. An installation that can run a first container so saves 10 ms of every
 * later one; and as V8 reads all of a file of code at once, each command has one of its own.
 */
function loader(program: string, own: Record<string, string>): string {
  return `'use strict';
const { readFileSync, renameSync, writeFileSync } = process.getBuiltinModule('node:fs');
const { Script } = process.getBuiltinModule('node:vm');
const [first = '', second] = process.argv.slice(2);
const valued = new Set(${JSON.stringify(valuedFlags())});
const verb = (at) => {
  while (process.argv[at]?.startsWith('-')) at += valued.has(process.argv[at]) ? 2 : 1;
  return process.argv[at] ?? '';
};
const named = first === 'compose' ? \`compose-\${verb(3)}\` : first;
const word = first === 'container' && second === 'cleanup' ? second : /^[a-z-]+$/.test(named) ? named : 'main';
const program = { __proto__: null, ...${JSON.stringify(own)} }[word] ?? '${program}';
const filename = \`\${__dirname}/\${program}.js\`;
const common = \`\${__dirname}/\${program}-\${process.arch}-\${process.versions.v8}\`;
const own = \`\${common}.\${word}.code\`;
const train = Boolean(process.env.WHERRY_TRAIN);
let cachedData;
for (const code of train ? [own] : [own, \`\${common}.code\`]) {
  try {
    cachedData = readFileSync(code);
    break;
  } catch {}
}
const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
if (train) {
  process.on('exit', () => {
    writeFileSync(\`\${own}.\${process.pid}.tmp\`, script.createCachedData(), { mode: 0o644 });
    renameSync(\`\${own}.\${process.pid}.tmp\`, own);
  });
}
const url = 'file://' + encodeURI(filename).replace(/[?#]/g, encodeURIComponent);
script.runInThisContext()(require, module, exports, url);
`;
}

/** The flags before the verb of compose that have a value, as they are typed. */
const valuedFlags = () =>
  Object.entries<Flag>(COMPOSE_FLAGS).flatMap(([name, { as, short }]) =>
    as.isSwitch ? [] : [`--${name}`, ...(short === undefined ? [] : [`-${short}`])],
  );

/** Writes a file whole, or says that it is still in use where it is there already. */
function place(path: string, contents: string): void {
  if (path.endsWith('.program.js') && existsSync(path)) {
    utimesSync(path, new Date(), new Date());
    return;
  }
  const staged = `${path}.${process.pid}.tmp`;
  writeFileSync(staged, contents);
  renameSync(staged, path);
}

/**
 * Has a process run the program through what commands do first, so that V8's code has the functions in it that they
 * use, and write that code. The process has a directory of its own for a home; no command gets as far as a container.
 */
function compile(program: string): void {
  const home = mkdtempSync(join(tmpdir(), 'wherry-build-'));
  try {
    const env = { PATH: process.env.PATH, HOME: home, WHERRY_HOME: root, WHERRY_ROOT: join(home, 'store') };
    const inside = { WHERRY_RUNTIME_DIR: join(home, 'run'), WHERRY_NAMESPACE: 'user', WHERRY_PROGRAM: 'wherry' };
    const trainer = join(root, 'test/support/bundle-train.ts');
    execFileSync(process.execPath, [trainer, join(dist, program)], { env: { ...env, ...inside }, stdio: 'pipe' });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function removeOld(keep: ReadonlySet<string>): void {
  for (const name of readdirSync(dist)) {
    const path = join(dist, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (![...keep].some((program) => name.startsWith(program)) && age > KEEP)
      rmSync(path, { recursive: true, force: true });
  }
}

const keep = new Set(['package.json']);
mkdirSync(dist, { recursive: true });
place(join(dist, 'package.json'), '{"type":"commonjs"}\n');
const own: Record<string, string> = {};
const loaders: [name: string, program: string][] = [];
for (const { name, text } of await bundle()) {
  const program = `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.program`;
  place(join(dist, `${program}.js`), text);
  compile(program);
  keep.add(program);
  const word = /^main-(.*)$/.exec(name)?.[1];
  if (word === undefined) loaders.push([name, program]);
  else own[word] = program;
}
for (const [name, program] of loaders) {
  place(join(dist, `${name}.js`), loader(program, name === 'main' ? own : {}));
  keep.add(`${name}.js`);
}
removeOld(keep);
