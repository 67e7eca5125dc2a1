/** --cpuset-cpus and --cpuset-mems: lists as the kernel writes them (cpuset(7), "List format"), checked as Docker does. */
import { readFileSync } from 'node:fs';
import { WherryError } from '#base/error.ts';

/** Docker's bound for the number of a CPU. */
const MOST = 8192;

const KINDS = {
  cpus: { available: '/sys/devices/system/cpu/online', name: 'CPUs' },
  mems: { available: '/sys/devices/system/node/online', name: 'memory nodes' },
};

export interface CpusetOptions {
  /** The list of what there is; by itself what the kernel says is online. */
  available?: string;
}

/** Throws kind `invalid` in Docker's words when the text is no such list, or asks for what this host has not. */
export function checkCpuset(text: string, kind: keyof typeof KINDS, options: CpusetOptions = {}): void {
  if (text === '') return;
  const wanted = parseList(text, (why) => `Invalid value ${text} for cpuset ${kind}: ${why}`);
  const list = options.available ?? online(KINDS[kind].available);
  if (list === undefined) return;
  const there = parseList(list, String);
  if ([...wanted].every((number) => there.has(number))) return;
  throw new WherryError(
    'invalid',
    `Requested ${KINDS[kind].name} are not available - requested ${text}, available: ${list}`,
  );
}

function online(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    // A kernel without NUMA: it will say itself what it does not have.
    return undefined;
  }
}

function parseList(text: string, say: (why: string) => string): Set<number> {
  const numbers = new Set<number>();
  for (const part of text.split(',')) {
    const [, first = '', last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (first === '' || Number(first) > Number(last)) throw new WherryError('invalid', say(`invalid format: ${text}`));
    if (Number(last) > MOST) {
      // Docker's words, slip and all.
      throw new WherryError('invalid', say(`value of out range, maximum is ${MOST}`));
    }
    for (let number = Number(first); number <= Number(last); number++) numbers.add(number);
  }
  return numbers;
}
