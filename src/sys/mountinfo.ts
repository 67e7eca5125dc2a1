/** What is mounted in a mount namespace (proc_pid_mountinfo(5)). */
import { readFileSync } from 'node:fs';

export interface MountedAt {
  point: string;
  /** As `proc`, `overlay`. */
  type: string;
}

/** Everything that is mounted, in our own namespace or in the one whose text this is; what covers another comes later. */
export function allMounts(text = readFileSync('/proc/self/mountinfo', 'utf8')): MountedAt[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const words = line.split(' ');
      // Optional fields come before the hyphen.
      return { point: unescaped(words[4] ?? ''), type: words[words.indexOf('-', 6) + 1] ?? '' };
    });
}

/** The places where something is mounted. */
export function mountPoints(text?: string): Set<string> {
  return new Set(allMounts(text).map(({ point }) => point));
}

/** Spaces, tabs, line feeds and backslashes come in octal. */
const unescaped = (path: string) =>
  path.replace(/\\(\d{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
