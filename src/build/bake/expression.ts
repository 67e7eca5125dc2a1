/**
 * HCL's expressions and templates, as far as JSON bake files have them in their strings: literals, variables, functions,
 * operators, conditions, indexes, lists and maps, `for`, and the directives `%{ if }` and `%{ for }` (HCL native syntax
 * specification, "Expressions" and "Templates"). Parsed once, into functions of a scope.
 */
import {
  asList,
  asMap,
  asNumber,
  asText,
  asTruth,
  invalid,
  isEqual,
  isList,
  isMap,
  type Value,
} from '#build/bake/value.ts';

/** Throws kind `invalid` for a name that is none. */
export interface Scope {
  variable(name: string): Value;
  call(name: string, args: readonly (() => Value)[]): Value;
}

export type Expression = (scope: Scope) => Value;

/** A scope with further variables. */
const within = (scope: Scope, own: Readonly<Record<string, Value>>): Scope => ({
  variable: (name) => (Object.hasOwn(own, name) ? (own[name] ?? null) : scope.variable(name)),
  call: scope.call,
});

/** The template that a string is: one interpolation alone keeps its value's type. Throws kind `invalid`. */
export function parseTemplate(text: string): Expression {
  if (!text.includes('${') && !text.includes('%{')) return () => text;
  const reader = { text, at: 0 };
  const { parts, end } = readParts(reader, false);
  if (end !== '') throw invalid(`Unexpected %{ ${end} } in the template ${JSON.stringify(text)}`);
  return joined(parts);
}

interface Reader {
  text: string;
  at: number;
}

type Part = { expression: Expression; isBare: boolean };

function joined(parts: readonly Part[]): Expression {
  const [only] = parts;
  if (parts.length === 1 && only?.isBare) return only.expression;
  return (scope) => parts.map(({ expression }) => asText(expression(scope))).join('');
}

/** What stands between interpolations: in quotes it ends at the next quote, and has escapes. */
const LITERAL = /^(?:\$\$\{|%%\{|(?![$%]\{)[\s\S])+/;
const QUOTED_LITERAL = /^(?:\$\$\{|%%\{|\\[\s\S]|(?![$%]\{)[^"\\])+/;

/** Up to the end, or to the quote that ends it, or to a directive that its caller knows (`else`, `endif`, `endfor`). */
function readParts(reader: Reader, isQuoted: boolean): { parts: Part[]; end: string } {
  const parts: Part[] = [];
  for (;;) {
    const { literal, opening } = readLiteral(reader, isQuoted);
    if (literal !== '') parts.push({ expression: () => literal, isBare: false });
    if (opening === '') return { parts, end: '' };
    if (opening === '$') {
      parts.push({ expression: readClosed(reader), isBare: true });
      continue;
    }
    const word = readWord(reader);
    if (ENDS.includes(word)) {
      close(reader);
      return { parts, end: word };
    }
    parts.push(readDirective(reader, word, isQuoted));
  }
}

const ENDS = ['else', 'endif', 'endfor'];

/** Text, and what begins behind it: `$`, `%` or nothing. */
function readLiteral(reader: Reader, isQuoted: boolean): { literal: string; opening: string } {
  const rest = reader.text.slice(reader.at);
  const written = (isQuoted ? QUOTED_LITERAL : LITERAL).exec(rest)?.[0] ?? '';
  const opening = /^[$%]\{~?/.exec(rest.slice(written.length))?.[0] ?? '';
  reader.at += written.length + opening.length;
  const literal = plainText(opening.endsWith('~') ? written.trimEnd() : written, isQuoted);
  return { literal, opening: opening.slice(0, 1) };
}

function plainText(written: string, isQuoted: boolean): string {
  const text = isQuoted ? written.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, unescaped) : written;
  return text.replaceAll('$${', () => '${').replaceAll('%%{', '%{');
}

function unescaped(whole: string, code: string | undefined, short = ''): string {
  const meant = code === undefined ? ESCAPES[short] : String.fromCharCode(Number.parseInt(code, 16));
  if (meant === undefined) throw invalid(`Invalid escape sequence ${JSON.stringify(whole)}`);
  return meant;
}

function readClosed(reader: Reader): Expression {
  const expression = readExpression(reader);
  close(reader);
  return expression;
}

/** The end of an interpolation; `~}` takes the white space behind it along. */
function close(reader: Reader): void {
  const trims = take(reader, '~');
  expect(reader, '}');
  if (trims) reader.at += /^\s*/.exec(reader.text.slice(reader.at))?.[0].length ?? 0;
}

function readDirective(reader: Reader, word: string, isQuoted: boolean): Part {
  if (word === 'if') {
    const condition = readClosed(reader);
    const yes = readParts(reader, isQuoted);
    const no = yes.end === 'else' ? readParts(reader, isQuoted) : { parts: [], end: yes.end };
    if (no.end !== 'endif') throw missing(reader, '%{ endif }');
    const [whenTrue, whenFalse] = [textOf(yes.parts), textOf(no.parts)];
    return { expression: (scope) => (asTruth(condition(scope)) ? whenTrue(scope) : whenFalse(scope)), isBare: false };
  }
  if (word !== 'for') throw invalid(`Invalid template directive ${JSON.stringify(word)}`);
  const names = readNames(reader);
  const collection = readClosed(reader);
  const body = readParts(reader, isQuoted);
  if (body.end !== 'endfor') throw missing(reader, '%{ endfor }');
  const text = textOf(body.parts);
  const expression: Expression = (scope) =>
    itemsOf(collection(scope))
      .map((item) => asText(text(within(scope, bound(names, item)))))
      .join('');
  return { expression, isBare: false };
}

const textOf =
  (parts: readonly Part[]): Expression =>
  (scope) =>
    parts.map(({ expression }) => asText(expression(scope))).join('');

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };

const skip = (reader: Reader) => {
  reader.at += /^\s*/.exec(reader.text.slice(reader.at))?.[0].length ?? 0;
};

/** The next character that is no white space, or ''. */
function peek(reader: Reader): string {
  skip(reader);
  return reader.text[reader.at] ?? '';
}

function take(reader: Reader, word: string): boolean {
  skip(reader);
  if (!reader.text.startsWith(word, reader.at)) return false;
  reader.at += word.length;
  return true;
}

function expect(reader: Reader, word: string): void {
  if (!take(reader, word)) throw missing(reader, word);
}

const missing = ({ text, at }: Reader, what: string) =>
  invalid(`Invalid expression: expected ${what} in ${JSON.stringify(text)} at character ${at + 1}`);

const WORD = /^[\p{L}_][\p{L}\p{N}_-]*/u;

function readWord(reader: Reader): string {
  skip(reader);
  const word = WORD.exec(reader.text.slice(reader.at))?.[0] ?? '';
  reader.at += word.length;
  return word;
}

/** Lowest first. */
const OPERATORS = [['||'], ['&&'], ['==', '!='], ['<=', '>=', '<', '>'], ['+', '-'], ['*', '/', '%']];

const OPERATIONS: Readonly<Record<string, (one: Value, other: Value) => Value>> = {
  '||': (one, other) => asTruth(one) || asTruth(other),
  '&&': (one, other) => asTruth(one) && asTruth(other),
  '==': isEqual,
  '!=': (one, other) => !isEqual(one, other),
  '<=': (one, other) => asNumber(one) <= asNumber(other),
  '>=': (one, other) => asNumber(one) >= asNumber(other),
  '<': (one, other) => asNumber(one) < asNumber(other),
  '>': (one, other) => asNumber(one) > asNumber(other),
  '+': (one, other) => asNumber(one) + asNumber(other),
  '-': (one, other) => asNumber(one) - asNumber(other),
  '*': (one, other) => asNumber(one) * asNumber(other),
  '/': (one, other) => asNumber(one) / asNumber(other),
  '%': (one, other) => asNumber(one) % asNumber(other),
};

function readExpression(reader: Reader): Expression {
  const condition = readBinary(reader, 0);
  if (!take(reader, '?')) return condition;
  const yes = readExpression(reader);
  expect(reader, ':');
  const no = readExpression(reader);
  return (scope) => (asTruth(condition(scope)) ? yes(scope) : no(scope));
}

function readBinary(reader: Reader, level: number): Expression {
  const operators = OPERATORS[level];
  if (operators === undefined) return readUnary(reader);
  let left = readBinary(reader, level + 1);
  for (;;) {
    const found = operators.find((operator) => take(reader, operator));
    const operation = found === undefined ? undefined : OPERATIONS[found];
    if (operation === undefined) return left;
    const [one, other] = [left, readBinary(reader, level + 1)];
    left = (scope) => operation(one(scope), other(scope));
  }
}

function readUnary(reader: Reader): Expression {
  if (take(reader, '!')) {
    const operand = readUnary(reader);
    return (scope) => !asTruth(operand(scope));
  }
  if (take(reader, '-')) {
    const operand = readUnary(reader);
    return (scope) => -asNumber(operand(scope));
  }
  return readTraversal(reader);
}

/** `.name`, `[index]` and their splats `.*`, `[*]` behind a term. */
function readTraversal(reader: Reader): Expression {
  let term = readTerm(reader);
  for (;;) {
    const of = term;
    if (take(reader, '.*') || take(reader, '[*]')) return splat(reader, of);
    const key = readKey(reader);
    if (key === undefined) return term;
    term = (scope) => member(of(scope), key(scope));
  }
}

function readKey(reader: Reader): Expression | undefined {
  if (take(reader, '[')) {
    const key = readExpression(reader);
    expect(reader, ']');
    return key;
  }
  if (!/^\.[\p{L}\p{N}_]/u.test(reader.text.slice(reader.at))) return undefined;
  reader.at += 1;
  const digits = /^\d+/.exec(reader.text.slice(reader.at))?.[0];
  if (digits === undefined) {
    const word = readWord(reader);
    return () => word;
  }
  reader.at += digits.length;
  return () => Number(digits);
}

function splat(reader: Reader, of: Expression): Expression {
  const keys: Expression[] = [];
  for (let key = readKey(reader); key !== undefined; key = readKey(reader)) keys.push(key);
  return (scope) => {
    const value = of(scope);
    const items = isList(value) ? value : value === null ? [] : [value];
    return items.map((item) => keys.reduce((inner, key) => member(inner, key(scope)), item));
  };
}

function member(value: Value, key: Value): Value {
  const found = isList(value) ? value[asNumber(key)] : isMap(value) ? value[asText(key)] : undefined;
  if (found !== undefined) return found;
  throw invalid(`Unsupported attribute: there is no ${JSON.stringify(key)} in it`);
}

const CONSTANTS: Readonly<Record<string, Value>> = { true: true, false: false, null: null };

function readTerm(reader: Reader): Expression {
  const next = peek(reader);
  if (next === '"') return readQuoted(reader);
  if (take(reader, '(')) {
    const inner = readExpression(reader);
    expect(reader, ')');
    return inner;
  }
  if (take(reader, '[')) return readList(reader);
  if (take(reader, '{')) return readMap(reader);
  const digits = /^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(reader.text.slice(reader.at))?.[0];
  if (digits !== undefined) {
    reader.at += digits.length;
    return () => Number(digits);
  }
  const word = readWord(reader);
  if (word === '') throw missing(reader, 'a value');
  if (take(reader, '(')) return readCall(reader, word);
  if (Object.hasOwn(CONSTANTS, word)) return () => CONSTANTS[word] ?? null;
  return (scope) => scope.variable(word);
}

function readQuoted(reader: Reader): Expression {
  expect(reader, '"');
  const { parts, end } = readParts(reader, true);
  if (end !== '' || reader.text[reader.at] !== '"') throw missing(reader, '"');
  reader.at += 1;
  return parts.length === 0 ? () => '' : joined(parts);
}

/** `f(a, b...)`: the last argument's items are the last arguments. */
function readCall(reader: Reader, name: string): Expression {
  const args: Expression[] = [];
  let isSpread = false;
  while (!take(reader, ')')) {
    args.push(readExpression(reader));
    isSpread = take(reader, '...');
    if (!take(reader, ',') && peek(reader) !== ')') throw missing(reader, ')');
  }
  return (scope) => {
    const given = args.map((arg) => () => arg(scope));
    const last = isSpread ? given.pop() : undefined;
    const more = last === undefined ? [] : asList(last()).map((item) => () => item);
    return scope.call(name, [...given, ...more]);
  };
}

function readList(reader: Reader): Expression {
  if (takeFor(reader)) return readForList(reader);
  const items: Expression[] = [];
  while (!take(reader, ']')) {
    items.push(readExpression(reader));
    if (!take(reader, ',') && peek(reader) !== ']') throw missing(reader, ']');
  }
  return (scope) => items.map((item) => item(scope));
}

function readMap(reader: Reader): Expression {
  if (takeFor(reader)) return readForMap(reader);
  const entries: [key: Expression, value: Expression][] = [];
  while (!take(reader, '}')) {
    const key = readMapKey(reader);
    if (!take(reader, '=') && !take(reader, ':')) throw missing(reader, '=');
    entries.push([key, readExpression(reader)]);
    take(reader, ',');
  }
  return (scope) => Object.fromEntries(entries.map(([key, value]) => [asText(key(scope)), value(scope)]));
}

/** A bare word is a key itself. */
function readMapKey(reader: Reader): Expression {
  const start = reader.at;
  const word = readWord(reader);
  if (word !== '' && /^[=:]/.test(peek(reader))) return () => word;
  reader.at = start;
  return readExpression(reader);
}

function takeFor(reader: Reader): boolean {
  const start = reader.at;
  if (readWord(reader) === 'for') return true;
  reader.at = start;
  return false;
}

/** `k, v in` */
function readNames(reader: Reader): string[] {
  const names = [readWord(reader)];
  if (take(reader, ',')) names.push(readWord(reader));
  if (names.includes('') || readWord(reader) !== 'in') throw missing(reader, 'in');
  return names;
}

function readForList(reader: Reader): Expression {
  const names = readNames(reader);
  const collection = readExpression(reader);
  expect(reader, ':');
  const item = readExpression(reader);
  const condition = readIf(reader);
  expect(reader, ']');
  return (scope) =>
    itemsOf(collection(scope)).flatMap((one) => {
      const inner = within(scope, bound(names, one));
      return condition(inner) ? [item(inner)] : [];
    });
}

function readForMap(reader: Reader): Expression {
  const names = readNames(reader);
  const collection = readExpression(reader);
  expect(reader, ':');
  const key = readExpression(reader);
  expect(reader, '=>');
  const value = readExpression(reader);
  const condition = readIf(reader);
  expect(reader, '}');
  return (scope) =>
    Object.fromEntries(
      itemsOf(collection(scope)).flatMap((one) => {
        const inner = within(scope, bound(names, one));
        return condition(inner) ? [[asText(key(inner)), value(inner)]] : [];
      }),
    );
}

function readIf(reader: Reader): (scope: Scope) => boolean {
  const start = reader.at;
  if (readWord(reader) === 'if') {
    const condition = readExpression(reader);
    return (scope) => asTruth(condition(scope));
  }
  reader.at = start;
  return () => true;
}

type Item = [key: Value, value: Value];

const itemsOf = (value: Value): Item[] =>
  isList(value) ? value.map((item, index) => [index, item]) : Object.entries(asMap(value)).sort(byKey);

const byKey = ([one]: Item, [other]: Item) => (String(one) < String(other) ? -1 : 1);

function bound([first = '', second]: readonly string[], [key, value]: Item): Record<string, Value> {
  return second === undefined ? { [first]: value } : { [first]: key, [second]: value };
}
