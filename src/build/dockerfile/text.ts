/** White space, numbers and likeness of words, as Go and BuildKit see them. */

/** Go's unicode.IsSpace; JavaScript's differs in U+0085 and U+FEFF. */
const SPACE = '\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const ONE_SPACE = new RegExp(`^[${SPACE}]$`);
const LEADING = new RegExp(`^[${SPACE}]+`);

export function isSpace(char: string): boolean {
  return char === ' ' || ONE_SPACE.test(char);
}

export function trimStart(text: string): string {
  return text.replace(LEADING, '');
}

/** strings.TrimSpace, in one pass also over a long line of spaces. */
export function trim(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text[end - 1] ?? '')) end -= 1;
  return trimStart(text.slice(0, end));
}

/** STOPSIGNAL takes any number but 0, whatever a kernel makes of it. */
export function isSignalNumber(text: string): boolean {
  return /^[+-]?0*[1-9]\d*$/.test(text);
}

/** The option that is at most two letters away from the word; undefined too when the word is one of them. */
export function closest(word: string, options: readonly string[], caseSensitive: boolean): string | undefined {
  const wanted = caseSensitive ? word : word.toLowerCase();
  let best: string | undefined;
  let least = 3;
  for (const option of options) {
    const candidate = caseSensitive ? option : option.toLowerCase();
    if (candidate === wanted) return undefined;
    const distance = Math.abs(candidate.length - wanted.length) < least ? distanceOf(wanted, candidate) : least;
    if (distance >= least) continue;
    best = caseSensitive ? option : inCaseOf(candidate, word);
    least = distance;
  }
  return best;
}

/** ` (did you mean …?)`, or nothing. */
export function suggestion(word: string, options: readonly string[], caseSensitive = true): string {
  const match = closest(word, options, caseSensitive);
  return match === undefined || match === '' ? '' : ` (did you mean ${match}?)`;
}

function inCaseOf(match: string, word: string): string {
  if (word === word.toLowerCase()) return match.toLowerCase();
  return word === word.toUpperCase() ? match.toUpperCase() : match;
}

/** Levenshtein's distance. */
function distanceOf(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1];
    for (let column = 0; column < other.length; column += 1) {
      const replaced = (row[column] ?? 0) + (letter === other[column] ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
