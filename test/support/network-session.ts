/**
 * Run inside namespaces made for it (as their root, with a loopback that is down and no other link): makes a small host
 * of its own there, runs the module text that stands in its argument against it, and prints what that returns as JSON.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dropNetwork } from '#network/change.ts';
import { createNetwork } from '#network/create.ts';
import { joinNetworks, leaveNetworks } from '#network/network.ts';
import { needNetwork } from '#network/records.ts';
import { openStore } from '#store/store.ts';

const [directory = '', resolver = '', body = ''] = process.argv.slice(2);

const sh = (script: string): string => execFileSync('sh', ['-ec', script], { encoding: 'utf8' }).trim();

sh(`ip link set lo up
  ip link add wire0 type bridge
  ip addr add 10.9.9.1/24 dev wire0
  ip link set wire0 up
  ip route add default via 10.9.9.2`);
writeFileSync(join(directory, 'resolv.conf'), `nameserver ${resolver}\n`);
sh(`mount --bind '${directory}/resolv.conf' /etc/resolv.conf`);

const store = openStore({
  root: join(directory, 'root'),
  runtime: join(directory, 'run'),
  uid: 0,
  gid: 0,
  namespace: 'user',
  bootId: 'this-boot',
  home: directory,
});
const folder = join(store.runtime, 'netns');
const id = (number: number): string => `${number}`.padStart(64, '0');

/** Container number N exists and joins the default network. */
const joinBridge = (number: number, wanted = {}) => joinAll(number, { bridge: wanted });

/** Container number N exists and joins these networks. */
async function joinAll(number: number, networks: Record<string, object>) {
  mkdirSync(store.path('containers', id(number)), { recursive: true });
  const hostname = `h${number}`;
  const request = { id: id(number), name: `c${number}`, hostname, networks };
  const { made, ...joined } = await joinNetworks(store, request);
  await made;
  return joined;
}

const create = (name: string, more: object = {}) => createNetwork(store, { name, ...more });
const drop = async (name: string) => dropNetwork(store, await needNetwork(store, name), () => true);
const leave = (number: number): Promise<void> => leaveNetworks(store, id(number));

/** Runs Node code in a container's namespace; its first word is a service's when it prints `ready`. */
const inside = (number: number, code: string): string =>
  execFileSync('nsenter', [`--net=${join(folder, id(number))}`, process.execPath, '-e', code], { encoding: 'utf8' });

/** A service that goes on until the session ends; resolves when it has printed something. */
function serve(number: number | undefined, code: string): Promise<void> {
  const enter = number === undefined ? [] : [`nsenter`, `--net=${join(folder, id(number))}`];
  const [program = '', ...args] = [...enter, process.execPath, '-e', code];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve) => child.stdout.once('data', () => resolve()));
}

/** Code that serves a word over TCP. */
const greeter = (address: string, port: number): string =>
  `require('net').createServer((s) => s.end('hello')).listen(${port}, '${address}', () => console.log('ready'))`;

/** Code that prints what a TCP service says, or the errno; `ETIMEDOUT` after two seconds. */
const caller = (address: string, port: number): string =>
  `const s = require('net').connect(${port}, '${address}', () => s.setTimeout(0));
   s.setTimeout(2000, () => { process.stdout.write('ETIMEDOUT'); process.exit(); });
   s.on('data', (d) => process.stdout.write(d)).on('error', (e) => process.stdout.write(e.code));`;

const tools = { store, folder, id, sh, joinBridge, join: joinAll, create, drop, leave, inside, serve, greeter, caller };
export type Tools = typeof tools;

const AsyncFunction = (async () => undefined).constructor as FunctionConstructor;
const result: unknown = await AsyncFunction('tools', `return (${body})(tools)`)(tools);
process.stdout.write(`\n${JSON.stringify(result)}`);
// What still serves would keep us: the namespace of processes ends with us.
process.exit(0);
