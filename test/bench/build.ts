/** The figures of builds: found in the cache, from nothing, of a large context, in parallel. */
import { type Benchmark, both, commandOf, compare, type Line, type Result } from '#test/bench/compare.ts';
import { type Bench, IMAGE } from '#test/bench/setting.ts';

const TAG = 'localhost/bench-build';

/** Two stages that need each other's files, and one that needs both: twelve steps beside the FROMs. */
const STEPS = `FROM ${IMAGE} AS deps
WORKDIR /app
COPY package.json ./
RUN mkdir node_modules && seq 1000 > node_modules/list
RUN sort node_modules/list > node_modules/sorted
FROM deps AS build
COPY . .
RUN mkdir dist && cat src/* > dist/all
RUN wc dist/all > dist/count
FROM ${IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=deps /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
RUN echo app:x:1000:1000::/app:/bin/sh >> /etc/passwd
CMD ["cat", "dist/all"]
`;

const stage = (name: string) => `FROM ${IMAGE} AS ${name}\nRUN sleep 3 && echo ${name} > /${name}\n`;
const NAMES = ['a', 'b', 'c', 'd'];
const SLEEPS = `${NAMES.map(stage).join('')}FROM scratch\n${NAMES.map((name) => `COPY --from=${name} /${name} /\n`).join('')}`;

/** A directory of the user's that everybody reads, with a Dockerfile; more of it is made by a shell line. */
function context(bench: Bench, dockerfile: string, fill = 'true'): string {
  const room = bench.run('wherry', 'chmod 755 "$HOME"; mktemp -d "$HOME/bench-context.XXXXXX"').trim();
  bench.run('wherry', `cd ${room} && chmod 755 . && cat > Dockerfile <<'END'\n${dockerfile}END\n${fill}`);
  return room;
}

/** Takes the context, the image and the cache away again. */
function withContext<T>(bench: Bench, made: string, measure: (context: string) => T): T {
  try {
    return measure(made);
  } finally {
    for (const who of both(bench)) {
      const command = commandOf(bench, who);
      bench.run(who, `${command} rmi -f ${TAG} >/dev/null 2>&1; ${command} image prune -f >/dev/null 2>&1; true`);
    }
    bench.run('wherry', `${bench.wherry} builder prune -af >/dev/null`);
    // Docker's store is not the user's alone: only the image goes.
    if (bench.has('docker')) bench.run('docker', `docker rmi -f ${TAG} >/dev/null 2>&1; true`);
    bench.run('wherry', `rm -rf ${made}`);
  }
}

const building =
  (room: string, options = ''): Line =>
  (command) =>
    `${command} build -q ${options} -t ${TAG} ${room}`;

const SOURCES = 'mkdir src && echo {} > package.json && for i in $(seq 50); do seq $i > src/$i; done';

/** As many files in as many bytes as a repository with its packages has. */
const LARGE = `for d in $(seq 200); do mkdir -p files/$d; head -c 2560000 /dev/urandom | split -a 3 -b 25600 - files/$d/; done`;

/** The steps of STEPS that make a layer. */
const LAYERS = 10;

/** How each says that a step was found. */
const FOUND = { wherry: '^#[0-9]+ CACHED', podman: 'Using cache', docker: '^#[0-9]+ CACHED' };

/**
 * Builds once for the cache, and makes sure that it is found: podman takes a second and more for these steps although it has all
 * of them, because it makes a container for each stage that copies and reads the context for each COPY.
 */
function fillCache(bench: Bench, room: string): void {
  const line = (command: string) => `${command} build -t ${TAG} ${room} 2>&1`;
  for (const who of ['wherry', 'podman', 'docker'] as const) {
    if (who !== 'wherry' && !bench.has(who)) continue;
    const command = commandOf(bench, who);
    bench.run(who, line(command));
    const found = Number(bench.run(who, `${line(command)} | grep -cE '${FOUND[who]}'`));
    if (found < LAYERS) throw new Error(`${who} has found ${found} of ${LAYERS} steps only`);
  }
}

const cached = (bench: Bench): Result[] =>
  withContext(bench, context(bench, STEPS, SOURCES), (room) => {
    fillCache(bench, room);
    return compare(bench, building(room), { podman: 0.3, docker: 0.5 }, { runs: 25, peerRuns: 10 });
  });

const cold = (bench: Bench): Result[] =>
  withContext(bench, context(bench, STEPS, SOURCES), (room) =>
    compare(bench, building(room, '--no-cache'), { podman: 0.6 }, { runs: 5 }),
  );

const changed = (bench: Bench): Result[] =>
  withContext(bench, context(bench, `FROM ${IMAGE}\nCOPY files /files\nCMD ["true"]\n`, LARGE), (room) => {
    for (const who of both(bench)) bench.run(who, building(room)(commandOf(bench, who)));
    const change = `date +%N > ${room}/files/7/aaa; sync`;
    // podman copies all of it each time, which takes the better part of a minute.
    return compare(bench, building(room), { podman: 0.4 }, { runs: 3, peerRuns: 1, prepare: () => change });
  });

/** A second and a half is left for all that is no sleep. */
const parallel = (bench: Bench): Result[] =>
  withContext(bench, context(bench, SLEEPS), (room) => {
    const ours = bench.time('wherry', building(room, '--no-cache')(bench.wherry), { runs: 3 });
    return [{ peer: undefined, ours, theirs: undefined, unit: 'ms', most: 4500 }];
  });

export const buildBenchmarks: readonly Benchmark[] = [
  { name: 'build, all of it in the cache', measure: cached },
  { name: 'build of twelve steps from nothing', measure: cold },
  { name: 'build, one of 20,000 files changed', measure: changed },
  { name: 'build of four stages that sleep 3 s', measure: parallel },
];
