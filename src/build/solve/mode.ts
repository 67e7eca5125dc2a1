/** --chmod: octal, or symbolic as chmod(1) has it. Pure. */
import { WherryError } from '#base/error.ts';

/** What becomes of a file's mode (its twelve bits). */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

/** Throws kind `invalid` for what is neither. */
export function parseMode(text: string): ModeChange {
  if (/^[0-7]+$/.test(text) && Number.parseInt(text, 8) <= 0o7777) {
    const mode = Number.parseInt(text, 8);
    return () => mode;
  }
  const changes = text.split(',').flatMap(parseClause);
  return (mode, isDirectory) => {
    const start = { isDirectory, hasExecute: isDirectory || (mode & 0o111) !== 0 };
    return changes.reduce((now, change) => change(now, start), mode);
  };
}

const WHO: Record<string, number> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };
const BITS: Record<string, number> = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: 0o1000 };

/** How it was before all changes: to that X looks, as BuildKit's does; chmod(1)'s looks to what a change before it left. */
interface Start {
  isDirectory: boolean;
  hasExecute: boolean;
}

type Change = (mode: number, start: Start) => number;

function parseClause(clause: string): Change[] {
  const match = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(clause);
  if (match === null)
    throw new WherryError('invalid', `invalid chmod parameter: '${clause}'. it should be octal string or symbolic`);
  const [, who = '', actions = ''] = match;
  const mask = who === '' ? 0o7777 : [...who].reduce((sum, one) => sum | (WHO[one] ?? 0), 0);
  return [...actions.matchAll(/([-+=])([rwxXstugo]*)/g)].map(([, operator = '', letters = '']) => {
    return (mode, start) => {
      const bits = mask & bitsOf(letters, mode, start);
      if (operator === '+') return mode | bits;
      if (operator === '-') return mode & ~bits;
      // What is not named of a directory's set-ID bits stays (chmod(1)).
      const kept = start.isDirectory ? mode & 0o6000 & ~bits : 0;
      return (mode & ~mask) | bits | (kept & mask);
    };
  });
}

function bitsOf(letters: string, mode: number, { hasExecute }: Start): number {
  const copied = /^[ugo]$/.test(letters)
    ? spread((mode >> { u: 6, g: 3, o: 0 }[letters as 'u' | 'g' | 'o']) & 7)
    : undefined;
  if (copied !== undefined) return copied;
  return [...letters].reduce((bits, letter) => {
    if (letter === 'X') return bits | (hasExecute ? 0o111 : 0);
    return bits | (BITS[letter] ?? 0);
  }, 0);
}

const spread = (bits: number) => bits | (bits << 3) | (bits << 6);
