/**
 * Compiles a program of the bundle and writes V8's code of it: `bundle-train.ts PROGRAM`. V8 compiles a function when
 * it is first called, and what it had compiled until then is in the code; so the program is run with command lines
 * that call what is common, before.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
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

/** A project with what most have; its lines are run as well. */
const PROJECT = `
name: training
x-common: &common {restart: always, logging: {driver: json-file, options: {max-size: 10m}}}
services:
  web:
    <<: *common
    image: "web:\${TAG:-1}"
    command: [a, "b"]
    environment: [A=1, B]
    ports: ["8080:80", {target: 90, published: "9090"}]
    volumes: [data:/data, ./here:/there:ro]
    networks: [front]
    depends_on: {db: {condition: service_healthy}}
    deploy: {resources: {limits: {cpus: "0.5", memory: 1G}}}
    labels: {a: b}
  db:
    image: db
    environment: {A: 1}
    healthcheck: {test: [CMD, "true"], interval: 10s}
networks: {front: }
volumes: {data: }
`;

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

const scratch = process.env.WHERRY_RUNTIME_DIR ?? '';
mkdirSync(scratch, { recursive: true });
const file = join(scratch, 'training.yaml');
writeFileSync(file, PROJECT);
LINES.push(['compose', '-f', file, 'config'], ['compose', '-f', file, 'config', '--format', 'json']);
LINES.push(['compose', '-f', file, 'ps'], ['compose', '-f', file, 'down']);
// process.exit() must not go on where it is called, and what it throws has nowhere else to go.
process.on('unhandledRejection', (error) => {
  if (!(error instanceof Exit)) throw error;
});
const { exit } = process;
// Who listens for the end sees to it that the program does not take the short way out.
process.on('exit', () => undefined);
const [entry, word] = /\/(main)-(?:([a-z-]+)-)?[0-9a-f]{16}\.program/.exec(filename)?.slice(1) ?? [];
const wordOf = ([first = '', , , verb = '']: string[]) => (first === 'compose' ? `compose-${verb}` : first);
if (entry !== undefined) for (const words of LINES) if (word === undefined || wordOf(words) === word) await run(words);
process.removeAllListeners('uncaughtException');
const code = `${program}-${process.arch}-${process.versions.v8}.code`;
writeFileSync(`${code}.${process.pid}.tmp`, script.createCachedData());
renameSync(`${code}.${process.pid}.tmp`, code);
exit(0);
