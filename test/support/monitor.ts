/**
 * The monitor by itself, as the plain and as the sanitizer build: a directory for each test, a runtime made of a few
 * lines of shell that starts `main.sh` and leaves, and the test in the place of the command and of the clients.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, onTestFinished } from 'vitest';

const native = fileURLToPath(new URL('../../native', import.meta.url));

export interface Build {
  name: 'plain' | 'sanitized';
  path: string;
}

const BUILDS: Build[] = [
  { name: 'plain', path: join(native, '../bin/wherry-monitor') },
  { name: 'sanitized', path: join(native, 'build/check/wherry-monitor') },
];

/** The same tests for both builds, which are made first. */
export function describeMonitor(tests: (build: Build) => void): void {
  execFileSync('make', ['-s', '-C', native, 'all', 'check'], { stdio: ['ignore', 'ignore', 'inherit'] });
  describe.each(BUILDS)('the $name monitor', (build) => tests(build));
}

/** Starts BUNDLE/main.sh with its own streams, and goes. `fail` beside it is the log of a start that failed. */
const RUNTIME = `#!/bin/sh
[ "$1" = delete ] && { echo >> "$2/deleted"; exit; }
while [ $# -gt 0 ]; do
  case $1 in --pid-file) pid=$2 ;; --bundle) bundle=$2 ;; --log) log=$2 ;; esac
  shift
done
echo >> "$bundle/started"
[ -e "$bundle/fail" ] && { cp "$bundle/fail" "$log"; echo 'runtime: said on standard error' >&2; exit 1; }
# The process begins when this shell has gone: a shell would reap one that ends before.
exec 9<&0
mkfifo "$bundle/gate.$$"
setsid sh -c 'read x < "$1.$2"; exec sh "$0"' "$bundle/main.sh" "$bundle/gate" $$ <&9 9<&- &
echo $! > "$pid"
exec 8> "$bundle/gate.$$"
rm "$bundle/gate.$$"
`;

interface State {
  status: string;
  pid: number;
  startedAt: string;
  finishedAt: string;
  exitCode: number;
  oomKilled: boolean;
  restartCount: number;
  error: string;
  [key: string]: unknown;
}

/** Where a monitor works. Gone with the test. */
export interface Place {
  readonly path: string;
  at(name: string): string;
  read(name: string): string;
  /** Waits until the file is there and PREDICATE likes it. */
  file(name: string, predicate?: (text: string) => boolean): Promise<string>;
  state(): State;
}

export function makePlace(): Place {
  const path = mkdtempSync(join(tmpdir(), 'monitor-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 25 }));
  const at = (name: string) => join(path, name);
  const read = (name: string) => readFileSync(at(name), 'utf8');
  return {
    path,
    at,
    read,
    file: async (name, predicate = () => true) => {
      while (!existsSync(at(name)) || !predicate(read(name))) await new Promise((resolve) => setTimeout(resolve, 5));
      return read(name);
    },
    state: () => JSON.parse(read('state.json')),
  };
}

export type Settings = Record<string, string | number | readonly string[] | undefined>;

export interface Started {
  readonly place: Place;
  readonly child: ChildProcess;
  /** Everything that was said on descriptor 3. */
  readonly lines: string[];
  /** The next line that begins with WORD. */
  hear(word: string): Promise<string>;
  say(line: string): void;
  /** As a command that was killed: its end of descriptor 3 is closed. */
  hangUp(): void;
  /** The monitor's end: its status, or its signal. */
  readonly ended: Promise<number | string>;
  client(...words: string[]): Promise<Client>;
  /** The log's lines, taken apart. */
  log(name?: string): { log: string; stream: string; time: string; attrs?: object }[];
}

export interface StartOptions {
  build: Build;
  /** What the container runs. */
  script?: string;
  /** Over the usual settings; undefined takes one out. */
  settings?: Settings;
  place?: Place;
  stdio?: SpawnOptions['stdio'];
  /** Words before the monitor's path: unshare, prlimit. */
  through?: string[];
}

function usual(place: Place): Settings {
  const fake = place.at('runtime');
  return {
    mode: 'run',
    id: 'c0ffee',
    'container-dir': place.path,
    state: place.at('state.json'),
    'boot-id': 'this-boot',
    socket: place.at('socket'),
    register: place.at('register'),
    log: place.at('log'),
    restart: 'no',
    'pid-file': place.at('pid'),
    'runtime-log': place.at('runtime.log'),
    runtime: [fake, 'run', '--pid-file', place.at('pid'), '--bundle', place.path, '--log', place.at('runtime.log')],
    delete: [fake, 'delete', place.path],
    cleanup: ['/bin/sh', '-c', `echo >> ${place.at('cleaned')}`],
  };
}

function writeSettings(place: Place, settings: Settings): void {
  const inOneLine = (value: string | number) => String(value).replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  const lines = Object.entries(settings).flatMap(([key, value]) =>
    value === undefined ? [] : [value].flat().map((one) => `${key} ${inOneLine(one)}\n`),
  );
  writeFileSync(place.at('monitor.conf'), lines.join(''));
}

/** Starts a monitor. Whatever the test leaves of it is ended with the test. */
export function startMonitor(options: StartOptions): Started {
  const place = options.place ?? makePlace();
  writeFileSync(place.at('runtime'), RUNTIME);
  chmodSync(place.at('runtime'), 0o755);
  if (options.script !== undefined) writeFileSync(place.at('main.sh'), options.script);
  writeSettings(place, { ...usual(place), ...options.settings });
  const [program = '', ...words] = [...(options.through ?? []), options.build.path, place.at('monitor.conf')];
  const streams = options.stdio ?? ['ignore', 'ignore', 'ignore'];
  const child = spawn(program, words, { stdio: [...(streams as 'pipe'[]), 'pipe'] });
  const socket = child.stdio[3] as Socket;
  const ended = once(child, 'exit').then(([status, signal]) => status ?? signal) as Promise<number | string>;
  const command = talk(socket);
  onTestFinished(async () => {
    socket.destroy();
    killTree(child);
    await ended;
  });
  const client = async (...said: string[]) => {
    // The last thing that the monitor does before the start.
    await place.file('register');
    return await connectClient(place.at('socket'), said);
  };
  return { place, child, ended, ...command, client, log };

  function log(name = 'log') {
    return place
      .read(name)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }
}

/**
 * Ends the monitor and what runs under it. Only living children of the living monitor are taken for the container:
 * a pid from a file may be anybody's, and kill(2) takes -1 for everybody.
 */
function killTree(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').map(Number);
  child.kill('SIGSTOP');
  // The container leads a process group: minus means all of it.
  for (const one of children) if (one > 1) killGroup(one);
  child.kill('SIGKILL');
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It leads none: the runtime, which ends by itself.
  }
}

function talk(socket: Socket): Pick<Started, 'lines' | 'hear' | 'say' | 'hangUp'> {
  const lines: string[] = [];
  const inbox = waiter();
  let pending = '';
  let heard = 0;
  socket.on('error', () => undefined);
  socket.setEncoding('utf8').on('data', (text: string) => {
    const parts = (pending + text).split('\n');
    pending = parts.pop() ?? '';
    lines.push(...parts);
    inbox.wake();
  });
  return {
    lines,
    hear: async (word) => {
      for (;;) {
        for (; heard < lines.length; heard++) {
          const line = lines[heard] ?? '';
          if (line.startsWith(word)) {
            heard++;
            return line;
          }
        }
        await inbox.sleep();
      }
    },
    say: (line) => void socket.write(`${line}\n`),
    hangUp: () => void socket.destroy(),
  };
}

function waiter() {
  let wake: () => void = () => undefined;
  return {
    wake: () => wake(),
    sleep: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
  };
}

export interface Client {
  readonly socket: Socket;
  /** What came, by frame type: 1 output, 2 errors. */
  output(type?: 1 | 2): Buffer;
  /** Waits until the output holds TEXT. */
  see(text: string, type?: 1 | 2): Promise<void>;
  /** The next news that begins with WORD. */
  hear(word: string): Promise<string>;
  say(word: string): void;
  type(data: string | Uint8Array): boolean;
  readonly closed: Promise<unknown>;
}

/** A frame as it goes over the socket. */
export function frame(type: number, data: string | Uint8Array): Buffer {
  const body = Buffer.from(data as Uint8Array);
  const head = Buffer.from([type, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
}

/** Connects to the socket and says these words; waits for the answer to `attach`. */
async function connectClient(path: string, words: string[]): Promise<Client> {
  const socket = createConnection(path);
  const parts: Record<1 | 2, Buffer[]> = { 1: [], 2: [] };
  const news: string[] = [];
  const inbox = waiter();
  let pending: Buffer = Buffer.alloc(0);
  await once(socket, 'connect');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= 8 && pending.length >= 8 + pending.readUInt32BE(4)) {
      const end = 8 + pending.readUInt32BE(4);
      const type = pending[0] as 1 | 2 | 3;
      if (type === 3) news.push(pending.toString('utf8', 8, end));
      else parts[type].push(pending.subarray(8, end));
      pending = pending.subarray(end);
    }
    inbox.wake();
  });
  const client: Client = {
    socket,
    output: (type = 1) => Buffer.concat(parts[type]),
    see: async (text, type = 1) => {
      while (!Buffer.concat(parts[type]).includes(text)) await inbox.sleep();
    },
    hear: async (word) => {
      for (;;) {
        const found = news.findIndex((line) => line.startsWith(word));
        if (found >= 0) return news.splice(found, 1)[0] ?? '';
        await inbox.sleep();
      }
    },
    say: (word) => void socket.write(frame(3, word)),
    type: (data) => socket.write(frame(0, data)),
    closed: once(socket, 'close'),
  };
  for (const word of words) client.say(word);
  if (words.some((word) => word.startsWith('attach'))) await client.hear('attached');
  return client;
}

/** Collects a stream to its end. */
export async function collect(stream: NodeJS.ReadableStream | null): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream ?? []) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Writes all of it, no faster than it is taken, and ends the stream. */
export async function feed(stream: Writable, data: Uint8Array): Promise<void> {
  const step = 1 << 16;
  for (let at = 0; at < data.length; at += step) {
    if (!stream.write(data.subarray(at, at + step))) await once(stream, 'drain');
  }
  stream.end();
}
