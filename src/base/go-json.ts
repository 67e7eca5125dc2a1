/** JSON as Go writes it, where Docker's own bytes matter. */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** json.Compact: the same text without the space between its parts. */
export function compactJson(text: string): string {
  return (text.match(TOKEN) ?? []).join('');
}

/** json.Indent: the same text, each part on its line; empty objects stay together, and white space at the end stays. */
export function indentJson(text: string, indent: string): string {
  const tokens = text.match(TOKEN) ?? [];
  let depth = 0;
  const line = () => `\n${indent.repeat(depth)}`;
  const parts = tokens.map((token, at) => {
    const before = tokens[at - 1] ?? '';
    const isClosing = /^[}\]]$/.test(token);
    const isOpened = /^[{[]$/.test(before);
    if (isClosing) depth -= 1;
    const lead = isClosing ? !isOpened : isOpened || before === ',';
    const start = lead ? line() : '';
    if (/^[{[]$/.test(token)) depth += 1;
    return start + (token === ':' ? ': ' : token);
  });
  return parts.join('') + (/\s*$/.exec(text)?.[0] ?? '');
}

const ESCAPED = /[<>&\u2028\u2029]/g;

/** json.Marshal: what could be taken for HTML is escaped. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(
    ESCAPED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A map's entries in the order in which Go writes them. */
export function goEntries<T>(map: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(map).sort(([one], [other]) => (one < other ? -1 : 1));
}
