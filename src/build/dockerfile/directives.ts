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

/**
 * What a file says of itself before it is read, also below a line `#!…`; its syntax as well in the comments of other
 * languages, and as a key of JSON.
 */
export function findDirective(text: string, name: 'check' | 'syntax'): string | undefined {
  const shown = text.replace(/^\ufeff/, '').replace(/^#!.*(?:\n|$)/, '');
  const found = among(shown, '#', name);
  if (found !== undefined || name === 'check') return found;
  return among(shown, '//', name) ?? keyIn(shown, name);
}

function among(text: string, comment: string, name: string): string | undefined {
  const seen = new Set<string>();
  for (const [line] of text.matchAll(/.*\n?/g)) {
    const words = line.trim();
    const found = words.startsWith(comment) ? parseDirective(words.slice(comment.length)) : undefined;
    if (found === undefined || seen.has(found.name)) return undefined;
    if (found.name === name) return found.value;
    seen.add(found.name);
  }
  return undefined;
}

function keyIn(text: string, name: string): string | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text)[name];
    return typeof value === 'string' ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
