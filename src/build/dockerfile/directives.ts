/** The comments that stand first and say how the file is to be read: `# syntax=`, `# escape=`, `# check=`. */
import { wrong } from '#build/dockerfile/fault.ts';

export interface Directives {
  token: string;
  /** Names in lower case, and their values. */
  seen: Map<string, string>;
  /** Something else was read; what follows are comments. */
  done: boolean;
}

export function startDirectives(): Directives {
  return { token: '\\', seen: new Map(), done: false };
}

const KNOWN = new Set(['syntax', 'escape', 'check']);

/** Is the line, without white space before it, a directive? Throws for one that is there twice. */
export function readDirective(directives: Directives, line: string): boolean {
  if (directives.done) return false;
  const found = line.startsWith('#') ? parseDirective(line.slice(1)) : undefined;
  if (found === undefined) {
    directives.done = true;
    return false;
  }
  const { name, value } = found;
  if (directives.seen.has(name)) throw wrong(`only one ${name} parser directive can be used`);
  directives.seen.set(name, value);
  if (name === 'escape' && value !== '\\' && value !== '`') {
    throw wrong(`invalid escape token '${value}' does not match \` or \\`);
  }
  if (name === 'escape') directives.token = value;
  return true;
}

/** `name=value`, if it is one of the known names. */
export function parseDirective(text: string): { name: string; value: string } | undefined {
  const [, written = '', value = ''] = /^\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S.*)$/.exec(text) ?? [];
  const name = written.toLowerCase();
  return KNOWN.has(name) ? { name, value: value.trimEnd() } : undefined;
}
