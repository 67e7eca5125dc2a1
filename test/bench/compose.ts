/** The figures of compose: beside docker compose with its engine, and podman-compose. */
import type { Benchmark, Result } from '#test/bench/compare.ts';
import { type Bench, IMAGE, type Peer } from '#test/bench/setting.ts';

/** Who is compared: the program, and in whose surroundings it runs. */
const PROGRAMS = {
  'docker compose': { who: 'docker', command: 'docker-compose' },
  'podman-compose': { who: 'podman', command: 'podman-compose' },
} as const satisfies Record<string, { who: Peer; command: string }>;

type Program = keyof typeof PROGRAMS;

interface Side {
  who: 'wherry' | Peer;
  /** The program and the words before the verb. */
  command: string;
}

const ours = (bench: Bench): Side => ({ who: 'wherry', command: `${bench.wherry} compose` });

function isHere(bench: Bench, { who, command }: { who: Peer; command: string }): boolean {
  if (!bench.has(who)) return false;
  return bench.run(who, `command -v ${command} || true`).trim() !== '';
}

interface Measuring {
  /** Lines after `-f FILE`. */
  line: string;
  prepare?: string;
  /** Before all, and behind all. */
  before?: string;
  after?: string;
  runs?: number;
}

/** The same line by each of them on one file. */
function measured(
  bench: Bench,
  yaml: string,
  peers: Partial<Record<Program, number>>,
  { line, prepare, before, after, runs }: Measuring,
): Result[] {
  const file = `${bench.room()}/compose.yaml`;
  bench.run('wherry', `chmod 755 "$(dirname ${file})" && cat >${file} <<'END'\n${yaml}END`);
  const timed = ({ who, command }: Side) => {
    const words = (verb: string) => `${command} -f ${file} ${verb}`;
    if (before !== undefined) bench.run(who, `${words(before)} >/dev/null 2>&1`);
    const time = bench.time(who, words(line), {
      ...(runs === undefined ? {} : { runs }),
      ...(prepare === undefined ? {} : { prepare: `${words(prepare)} >/dev/null 2>&1` }),
    });
    if (after !== undefined) bench.run(who, `${words(after)} >/dev/null 2>&1`);
    return time;
  };
  return Object.entries(peers).map(([name, most]) => {
    const program = PROGRAMS[name as Program];
    const theirs = isHere(bench, program) ? timed(program) : undefined;
    return { peer: name as Program, ours: timed(ours(bench)), theirs, unit: 'ms', most };
  });
}

/** Each ends at once when it is asked to: what is measured is not how long somebody waits. */
const services = (count: number, more = '') =>
  `name: benchcompose\nservices:\n${Array.from(
    { length: count },
    (_, index) => `  s${index}:
    image: ${IMAGE}
    command: ["sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait"]
${more.replaceAll('INDEX', String(index))}`,
  ).join('')}`;

const FIFTY = services(
  50,
  `    environment: {LEVEL: info, PORT: "80INDEX", NAME: "\${USER:-nobody}"}
    ports: ["127.0.0.1:20INDEX:80"]
    labels: {tier: "tINDEX"}
    healthcheck: {test: "true", interval: 1m}
    volumes: ["data:/data", "./src:/src:ro"]
    deploy: {resources: {limits: {memory: 64m}}}
`,
).concat('volumes: {data: {}}\n');

const TEN = services(10);
const DOWN = 'down -t 0';

export const composeBenchmarks: readonly Benchmark[] = [
  {
    name: 'compose config of 50 services',
    measure: (bench) => measured(bench, FIFTY, { 'docker compose': 1 }, { line: 'config' }),
  },
  {
    name: 'compose up -d --wait, ten services',
    measure: (bench) => [
      ...measured(bench, TEN, { 'docker compose': 0.5 }, { line: 'up -d --wait', prepare: DOWN, after: DOWN, runs: 5 }),
      // podman-compose knows no --wait.
      ...measured(bench, TEN, { 'podman-compose': 0.25 }, { line: 'up -d', prepare: DOWN, after: DOWN, runs: 3 }),
    ],
  },
  {
    name: 'compose down, ten services',
    measure: (bench) => [
      ...measured(bench, TEN, { 'docker compose': 0.5 }, { line: 'down', prepare: 'up -d', runs: 5 }),
      ...measured(bench, TEN, { 'podman-compose': 0.25 }, { line: 'down', prepare: 'up -d', runs: 3 }),
    ],
  },
  {
    name: 'compose up -d, ten services, nothing to do',
    measure: (bench) =>
      measured(bench, TEN, { 'docker compose': 0.5 }, { line: 'up -d', before: 'up -d', after: DOWN }),
  },
  {
    name: 'compose ps, ten services',
    measure: (bench) => measured(bench, TEN, { 'docker compose': 1 }, { line: 'ps', before: 'up -d', after: DOWN }),
  },
];
