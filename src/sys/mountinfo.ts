/** What is mounted in our mount namespace (proc_pid_mountinfo(5)). */
import { readFileSync } from 'node:fs';

/** The places where something is mounted. */
export function mountPoints(text = readFileSync('/proc/self/mountinfo', 'utf8')): Set<string> {
  const points = text.split('\n').map((line) => line.split(' ')[4] ?? '');
  return new Set(points.filter(Boolean).map(unescaped));
}

/** Spaces, tabs, line feeds and backslashes come in octal. */
const unescaped = (path: string) =>
  path.replace(/\\(\d{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
