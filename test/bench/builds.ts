/** The figures of builds. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Benchmark, compare, type Result } from '#test/bench/compare.ts';
import { type Bench, IMAGE } from '#test/bench/setting.ts';

const steps = (count: number) =>
  Array.from({ length: count }, (_, at) => `RUN seq 1 ${(at + 1) * 1000} > /file${at}\n`).join('');

const STAGES = `FROM ${IMAGE} AS first
${steps(4)}FROM ${IMAGE} AS second
${steps(3)}FROM ${IMAGE}
COPY --from=first /file0 /file1 /first/
COPY --from=second /file2 /second/
${steps(2)}COPY . /context
`;

const SLEEPING = `${['a', 'b', 'c', 'd'].map((name) => `FROM ${IMAGE} AS ${name}\nRUN sleep 3; echo > /${name}\n`).join('')}FROM ${IMAGE}
${['a', 'b', 'c', 'd'].map((name) => `COPY --from=${name} /${name} /\n`).join('')}`;

/** A context with this Dockerfile, for as long as it is measured. */
function withContext(dockerfile: string, measure: (context: string) => Result[]): Result[] {
  const context = mkdtempSync(join(tmpdir(), 'wherry-bench-'));
  try {
    chmodSync(context, 0o755);
    writeFileSync(join(context, 'Dockerfile'), dockerfile, { mode: 0o644 });
    return measure(context);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

const line =
  (context: string, flags = '') =>
  (command: string) =>
    `${command} build -q ${flags} -t bench-built ${context}`;

export const buildBenchmarks: readonly Benchmark[] = [
  {
    name: 'build, all of twelve steps cached',
    measure: (bench: Bench) =>
      withContext(STAGES, (context) => compare(bench, line(context), { podman: 0.3, docker: 0.5 })),
  },
  {
    name: 'build --no-cache of twelve steps in three stages',
    measure: (bench: Bench) =>
      withContext(STAGES, (context) => compare(bench, line(context, '--no-cache'), { podman: 0.6 }, { runs: 3 })),
  },
  {
    name: 'build of four stages that sleep for three seconds each',
    measure: (bench: Bench) =>
      withContext(SLEEPING, (context) => compare(bench, line(context, '--no-cache'), { podman: 0.4 }, { runs: 3 })),
  },
];
