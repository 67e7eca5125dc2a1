/** --detach-keys: the bytes that a user types to leave a container alone (github.com/moby/term, ascii.go). Pure. */
import { WherryError } from '#base/error.ts';

/** ctrl-p,ctrl-q */
export const DEFAULT_KEYS = 'ctrl-p,ctrl-q';

const CONTROL = '@abcdefghijklmnopqrstuvwxyz[\\]^_';

/**
 * Reads `ctrl-p,ctrl-q`, `a`, `DEL`: single characters and `ctrl-` with @, a-z, [, \, ], ^ or _, with commas between
 * them. An empty text means the default. Throws kind `invalid`.
 */
export function parseKeys(text: string): Buffer {
  const keys = text === '' ? DEFAULT_KEYS : text;
  return Buffer.from(keys.split(',').map((key) => parseKey(key, keys)));
}

function parseKey(key: string, keys: string): number {
  if (key === 'DEL') return 127;
  if (Buffer.byteLength(key) === 1) return key.charCodeAt(0);
  const control = /^ctrl-(.)$/s.exec(key)?.[1];
  const code = control === undefined ? -1 : CONTROL.indexOf(control);
  if (code >= 0) return code;
  throw new WherryError('invalid', `Invalid escape keys (${keys}) provided`, {
    hint: 'Write single characters or ctrl- and one of a-z @ [ \\ ] ^ _, with commas between them: ctrl-p,ctrl-q',
  });
}

/** What passes, and whether the user has asked to leave. */
export interface Filtered {
  data: Buffer;
  detached: boolean;
}

/** Looks for the keys in what is typed. The first of them are held back until it is clear that the rest does not follow. */
export function keyFilter(keys: Buffer): (chunk: Buffer) => Filtered {
  let matched = 0;
  return (chunk) => {
    // The common case: nothing of interest, nothing copied.
    if (matched === 0 && !chunk.includes(keys[0] ?? 0)) return { data: chunk, detached: false };
    const passed: number[] = [];
    for (const byte of chunk) {
      if (byte !== keys[matched]) {
        passed.push(...keys.subarray(0, matched));
        matched = 0;
      }
      if (byte === keys[matched]) matched += 1;
      else passed.push(byte);
      if (matched === keys.length) return { data: Buffer.from(passed), detached: true };
    }
    return { data: Buffer.from(passed), detached: false };
  };
}
