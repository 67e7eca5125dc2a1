/** Starts the processes that try cases, and starts them anew after one that kills or stops them. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Finding {
  case: number;
  wrong: string;
}

interface Tried {
  findings: Finding[];
  outcomes: Record<string, number>;
  /** The largest memory that a process had, in KiB. */
  peak: number;
}

/** As long as nothing takes: without another case in that time, the one that it is at hangs. Milliseconds. */
const STANDSTILL = 120_000;

/** Tries cases `from` to `from + count` of a seed by a script of this folder (layers.ts says how it is called). */
export async function tryCases(script: string, seed: number, from: number, count: number): Promise<Tried> {
  const whole: Tried = { findings: [], outcomes: {}, peak: 0 };
  for (let next = from; next < from + count; ) {
    const directory = mkdtempSync(join(tmpdir(), 'wherry-fuzz-'));
    chmodSync(directory, 0o755);
    try {
      const part = await tryOnce(script, [seed, next, from + count - next], directory);
      whole.findings.push(...part.findings);
      for (const [name, times] of Object.entries(part.outcomes)) {
        whole.outcomes[name] = (whole.outcomes[name] ?? 0) + times;
      }
      whole.peak = Math.max(whole.peak, part.peak);
      next = part.diedAt === undefined ? from + count : part.diedAt + 1;
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  return whole;
}

async function tryOnce(
  script: string,
  numbers: number[],
  directory: string,
): Promise<Tried & { diedAt: number | undefined }> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [path, ...numbers.map(String), directory], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let complaint = '';
  child.stdout.on('data', (bytes: Buffer) => {
    out += bytes;
  });
  child.stderr.on('data', (bytes: Buffer) => {
    complaint = (complaint + bytes).slice(-2000);
  });
  const at = () => Number.parseInt(readFileSync(join(directory, 'case'), 'utf8'), 10);
  const guard = watch(at, () => child.kill('SIGKILL'));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('close', (...how) => resolve(how));
  });
  clearInterval(guard);
  const lines = out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const end = lines.find((line) => 'outcomes' in line);
  const findings: Finding[] = lines.filter((line) => 'wrong' in line);
  if (end !== undefined) return { findings, outcomes: end.outcomes, peak: end.peak, diedAt: undefined };
  const diedAt = at();
  if (Number.isNaN(diedAt)) throw new Error(`${script} did not begin: ${complaint}`);
  findings.push({ case: diedAt, wrong: `its process ended by ${signal ?? code}: ${complaint.trim()}` });
  return { findings, outcomes: {}, peak: 0, diedAt };
}

function watch(at: () => number, kill: () => void): NodeJS.Timeout {
  let last = Number.NaN;
  return setInterval(() => {
    const now = at();
    if (now === last) kill();
    last = now;
  }, STANDSTILL);
}
