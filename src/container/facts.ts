/** What this host lets a container have: looked up once for a start, so that spec.ts decides without looking. */
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { fromMask } from '#container/capabilities.ts';
import type { Store } from '#store/store.ts';
import { type Cgroup, detectCgroup } from '#sys/cgroup.ts';
import { type UserNamespace, userNamespace } from '#sys/userns.ts';

export interface Facts {
  userns: UserNamespace;
  /** Our bounding set: no container can have more. */
  capabilities: string[];
  /** The kernel can filter system calls. */
  seccomp: boolean;
  apparmor: boolean;
  /** Node's process.arch. */
  arch: string;
  /** Linux major and minor. */
  kernel: [number, number];
  /** Our own; without CAP_SYS_RESOURCE on the host nobody gets below it. */
  oomScoreAdj: number;
  cgroup: Cgroup;
}

const known = new WeakMap<Store, Facts>();

/** Looks at the host: some small reads below /proc and /sys, once for a command. */
export function hostFacts(store: Store): Facts {
  const facts = known.get(store) ?? lookUp(store);
  known.set(store, facts);
  return facts;
}

function lookUp(store: Store): Facts {
  const status = readFileSync('/proc/self/status', 'latin1');
  const [major = 0, minor = 0] = release().split(/[.-]/).map(Number);
  return {
    userns: userNamespace(),
    capabilities: fromMask(/^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'),
    seccomp: status.includes('\nSeccomp:'),
    apparmor: readFlag('/sys/module/apparmor/parameters/enabled'),
    arch: process.arch,
    kernel: [major, minor],
    oomScoreAdj: Number(readFileSync('/proc/self/oom_score_adj', 'latin1')),
    cgroup: detectCgroup(store.host),
  };
}

function readFlag(path: string): boolean {
  return existsSync(path) && readFileSync(path, 'latin1').startsWith('Y');
}

/** A limit of ours (getrlimit(2)); undefined: no limit. */
export interface OwnLimit {
  soft: number | undefined;
  hard: number | undefined;
}

/** Docker's names of limits, and the kernel's in /proc/PID/limits. */
const LIMIT_NAMES: Record<string, string> = {
  cpu: 'Max cpu time',
  fsize: 'Max file size',
  data: 'Max data size',
  stack: 'Max stack size',
  core: 'Max core file size',
  rss: 'Max resident set',
  nproc: 'Max processes',
  nofile: 'Max open files',
  memlock: 'Max locked memory',
  locks: 'Max file locks',
  sigpending: 'Max pending signals',
  msgqueue: 'Max msgqueue size',
  nice: 'Max nice priority',
  rtprio: 'Max realtime priority',
  rttime: 'Max realtime timeout',
};

/** Our own limits by Docker's names; only read where a container asks for limits. */
export function ownLimits(text = readFileSync('/proc/self/limits', 'latin1')): Map<string, OwnLimit> {
  const lines = text.split('\n');
  const value = (word: string | undefined) => (word === 'unlimited' || word === undefined ? undefined : Number(word));
  return new Map(
    Object.entries(LIMIT_NAMES).map(([name, title]) => {
      const line = lines.find((one) => one.startsWith(`${title} `));
      const [soft, hard] = line?.slice(title.length).trim().split(/\s+/) ?? [];
      return [name, { soft: value(soft), hard: value(hard) }];
    }),
  );
}
