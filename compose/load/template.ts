/** `$NAME`, `${NAME}` and their six forms, as docker compose reads them, oddities included. */

/** A variable's value; undefined where it isn't set. */
export type Lookup = (name: string) => string | undefined;

/** A text that isn't a template. */
export class TemplateError extends Error {
  readonly template: string | undefined;
  constructor(message: string, template?: string) {
    super(message);
    this.template = template;
  }
}

const PLAIN = /\$(\$|[_a-z][_a-z0-9]*)/iy;
const BRACED = /\$\{([_a-z][_a-z0-9]*)(\}|:?[-+?])/iy;

/** Defaults in defaults: nobody writes so many, and each takes a part of the stack. */
const DEEPEST = 200;

/** A text on its way: what of it is done, and what is read now. */
interface Scan {
  text: string;
  at: number;
  made: string;
  lookup: Lookup;
  warn: ((text: string) => void) | undefined;
  depth: number;
  /** Behind a variable with an operator, up to the line's last brace: what compose shows of a text that is wrong there. */
  rest: { from: number; to: number };
}

/**
 * The text with its variables' values. warn is told of those that are not set. Throws TemplateError for `${` without
 * a name, and for `?` without a value.
 */
export function substitute(text: string, lookup: Lookup, warn?: (text: string) => void, depth = 0): string {
  if (!text.includes('$')) return text;
  if (depth > DEEPEST) throw new TemplateError(`variables stand in one another more than ${DEEPEST} times`);
  const scan: Scan = { text, at: 0, made: '', lookup, warn, depth, rest: { from: 0, to: 0 } };
  for (let dollar = text.indexOf('$'); dollar >= 0; dollar = text.indexOf('$', scan.at)) {
    scan.made += text.slice(scan.at, dollar);
    scan.at = dollar;
    if (text[dollar + 1] === '{') takeBraced(scan);
    else takePlain(scan);
  }
  return scan.made + text.slice(scan.at);
}

function takePlain(scan: Scan): void {
  PLAIN.lastIndex = scan.at;
  const name = PLAIN.exec(scan.text)?.[1];
  scan.at += 1 + (name?.length ?? 0);
  scan.made += name === undefined || name === '$' ? '$' : read(name, scan);
}

function read(name: string, { lookup, warn }: Scan): string {
  const value = lookup(name);
  if (value === undefined) warn?.(`The ${JSON.stringify(name)} variable is not set. Defaulting to a blank string.`);
  return value ?? '';
}

function takeBraced(scan: Scan): void {
  const { text, at } = scan;
  BRACED.lastIndex = at;
  const [head, name = '', operator = ''] = BRACED.exec(text) ?? [];
  if (head !== undefined && operator === '}') {
    scan.at += head.length;
    scan.made += read(name, scan);
    return;
  }
  const last = head === undefined ? -1 : lastBrace(scan, at + head.length);
  if (head === undefined || last < 0) {
    const { from, to } = scan.rest;
    throw new TemplateError('Invalid template', at < to ? text.slice(from, to) : text);
  }
  const closing = closingBrace(text, at, last);
  const end = closing < 0 ? last : closing;
  scan.made += withOperator(name, operator, text.slice(at + head.length, end), scan);
  scan.at = end + 1;
  scan.rest = { from: end + 1, to: last + 1 };
}

/** The last brace of the line; -1 where there is none behind a place. */
function lastBrace({ text, rest }: Scan, from: number): number {
  // Of the line that we are in it is known.
  if (from < rest.to) return rest.to - 1;
  const newline = text.indexOf('\n', from);
  const last = text.lastIndexOf('}', newline < 0 ? text.length : newline);
  return last < from ? -1 : last;
}

/** Of `NAME:-default` and its like. */
function withOperator(name: string, operator: string, text: string, { lookup, warn, depth }: Scan): string {
  const word = substitute(text, lookup, warn, depth + 1);
  const value = lookup(name);
  const isSet = value !== undefined && (operator.length === 1 || value !== '');
  if (operator.endsWith('+')) return isSet ? word : (value ?? '');
  if (operator.endsWith('-')) return isSet ? value : word;
  if (isSet) return value;
  throw new TemplateError(`required variable ${name} is missing a value${word === '' ? '' : `: ${word}`}`);
}

/** Where the first brace is closed, -1 where it isn't; compose skips the letter after an opening one. */
export function closingBrace(text: string, from = 0, to = text.length - 1): number {
  let open = 0;
  for (let at = from; at <= to; at += 1) {
    if (text[at] === '}') {
      open -= 1;
      if (open === 0) return at;
    }
    if (text[at] === '{') {
      open += 1;
      at += 1;
    }
  }
  return -1;
}
