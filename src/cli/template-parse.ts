/** Go templates (text/template/parse): the text becomes a tree. Docker's --format uses this language. */

/** A template that can't be read; the message is Go's, after `template: NAME:LINE: `. */
export class TemplateSyntaxError extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.name = 'TemplateSyntaxError';
    this.line = line;
  }
}

export type Operand = { at: number; source: string } & (
  | { kind: 'dot' }
  | { kind: 'nil' }
  | { kind: 'constant'; value: string | number | boolean }
  | { kind: 'function'; name: string }
  | { kind: 'variable'; name: string }
  | { kind: 'pipe'; pipe: Pipe }
  /** Fields of something: `.A.B`, `$x.A`, `(f x).A`; without `of` they are the dot's. */
  | { kind: 'field'; of?: Operand; path: string[] }
);

export interface Command {
  at: number;
  source: string;
  operands: Operand[];
}

export interface Pipe {
  /** `$a, $b := …` */
  variables: string[];
  /** `$a = …`: the variable is there already. */
  assigns: boolean;
  commands: Command[];
}

export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'action'; pipe: Pipe }
  | { kind: 'if' | 'with' | 'range'; pipe: Pipe; body: Node[]; otherwise: Node[] }
  | { kind: 'break' | 'continue' }
  | { kind: 'template'; name: string; pipe?: Pipe; at: number };

export interface Template {
  body: Node[];
  /** {{define "name"}} and {{block "name" x}}. */
  definitions: Map<string, Node[]>;
}

interface Token {
  type: 'text' | 'open' | 'close' | 'space' | 'word' | 'field' | 'variable' | 'constant' | 'symbol' | 'dot' | 'end';
  text: string;
  at: number;
  value?: string | number;
}

const lineOf = (text: string, at: number) => text.slice(0, at).split('\n').length;

/** Cuts the text into tokens; `{{- ` and ` -}}` have taken the white space beside them. */
function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;
  while (at < text.length) {
    const open = text.indexOf('{{', at);
    const end = open < 0 ? text.length : open;
    const trimsBefore = open >= 0 && /^\{\{-\s/.test(text.slice(open, open + 4));
    let plain = text.slice(at, end);
    if (trimNext) plain = plain.trimStart();
    if (trimsBefore) plain = plain.trimEnd();
    if (plain !== '') tokens.push({ type: 'text', text: plain, at });
    if (open < 0) break;
    const action = tokenizeAction(text, open, trimsBefore ? open + 3 : open + 2);
    tokens.push(...action.tokens);
    ({ next: at, trimNext } = action);
  }
  tokens.push({ type: 'end', text: '', at: text.length });
  return tokens;
}

interface ActionTokens {
  tokens: Token[];
  next: number;
  trimNext: boolean;
}

function tokenizeAction(text: string, open: number, start: number): ActionTokens {
  const comment = /^\s*\/\*[\s\S]*?\*\/(\s-)?\}\}/.exec(text.slice(start));
  if (comment !== null) return { tokens: [], next: start + comment[0].length, trimNext: comment[1] !== undefined };
  if (/^\s*\/\*/.test(text.slice(start))) throw new TemplateSyntaxError('unclosed comment', lineOf(text, open));
  const tokens: Token[] = [{ type: 'open', text: '{{', at: open }];
  let at = start;
  for (;;) {
    const rest = text.slice(at);
    const close = /^(\s-)?\}\}/.exec(rest);
    if (close !== null) {
      tokens.push({ type: 'close', text: '}}', at });
      return { tokens, next: at + close[0].length, trimNext: close[1] !== undefined };
    }
    if (rest === '') throw new TemplateSyntaxError('unclosed action', lineOf(text, open));
    const token = readToken(rest, at, lineOf(text, at));
    tokens.push(token);
    at += token.text.length;
  }
}

const PATTERNS: readonly [Token['type'], RegExp][] = [
  ['space', /^\s+/],
  ['symbol', /^(:=|[|=(),])/],
  ['variable', /^\$[\p{L}\p{N}_]*/u],
  ['field', /^\.[\p{L}_][\p{L}\p{N}_]*/u],
  ['constant', /^"(?:[^"\\\n]|\\.)*"/],
  ['constant', /^`[^`]*`/],
  ['constant', /^'(?:[^'\\\n]|\\.[0-9a-fA-F]*)'/u],
  ['constant', /^[+-]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d+)?)/],
  ['dot', /^\./],
  ['word', /^[\p{L}_][\p{L}\p{N}_]*/u],
];

function readToken(rest: string, at: number, line: number): Token {
  for (const [type, pattern] of PATTERNS) {
    const text = pattern.exec(rest)?.[0];
    if (text === undefined || text === '') continue;
    return type === 'constant' ? { type, text, at, value: constant(text, line) } : { type, text, at };
  }
  if (rest.startsWith('"')) throw new TemplateSyntaxError('unterminated quoted string', line);
  if (rest.startsWith('`')) throw new TemplateSyntaxError('unterminated raw quoted string', line);
  if (rest.startsWith("'")) throw new TemplateSyntaxError('unterminated character constant', line);
  const letter = String.fromCodePoint(rest.codePointAt(0) ?? 0);
  const code = (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  throw new TemplateSyntaxError(`unexpected bad character U+${code} '${letter}' in command`, line);
}

const ESCAPES: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function constant(text: string, line: number): string | number {
  if (text.startsWith('`')) return text.slice(1, -1);
  if (text.startsWith('"')) return unquote(text.slice(1, -1));
  if (text.startsWith("'")) return unquote(text.slice(1, -1)).codePointAt(0) ?? 0;
  const digits = text.replaceAll('_', '');
  const sign = digits.startsWith('-') ? -1 : 1;
  const number = sign * Number(digits.replace(/^[+-]/, '').replace(/^0(?=[0-7]+$)/, '0o'));
  if (Number.isNaN(number)) throw new TemplateSyntaxError(`bad number syntax: ${JSON.stringify(text)}`, line);
  return number;
}

/** Go's escapes: \n, \x41, \101, \u00e9, \U0001F600; any other letter stands for itself. */
export function unquote(text: string): string {
  const pattern = /\\(x[0-9a-fA-F]{2}|[0-7]{3}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)/gs;
  return text.replace(pattern, (_, code: string) => {
    if (/^[xuU]./.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]{3}$/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
    return ESCAPES[code] ?? code;
  });
}

/** Reads a template. functions: the names that are defined. Throws TemplateSyntaxError. */
export function parseTemplate(text: string, functions: ReadonlySet<string>): Template {
  return new TemplateParser(text, functions).parse();
}

/** What ended a list of nodes. */
interface Ended {
  nodes: Node[];
  by: 'end' | 'else' | 'eof';
}

class TemplateParser {
  readonly #text: string;
  readonly #functions: ReadonlySet<string>;
  readonly #tokens: Token[];
  readonly #definitions = new Map<string, Node[]>();
  #variables: string[] = ['$'];
  #next = 0;
  #loops = 0;

  constructor(text: string, functions: ReadonlySet<string>) {
    this.#text = text;
    this.#functions = functions;
    this.#tokens = tokenize(text);
  }

  parse(): Template {
    const { nodes, by } = this.#list();
    if (by !== 'eof') throw this.#error(`unexpected {{${by}}}`);
    return { body: nodes, definitions: this.#definitions };
  }

  #error(message: string): TemplateSyntaxError {
    return new TemplateSyntaxError(message, lineOf(this.#text, this.#peek().at));
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { type: 'end', text: '', at: this.#text.length };
  }

  #take(): Token {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }

  #skipSpace(): Token {
    while (this.#peek().type === 'space') this.#next += 1;
    return this.#peek();
  }

  #close(context: string): void {
    const token = this.#skipSpace();
    if (token.type !== 'close') throw this.#error(`unexpected ${shown(token)} in ${context}`);
    this.#take();
  }

  /** Nodes up to {{end}}, {{else}} or the end of the text. */
  #list(): Ended {
    const nodes: Node[] = [];
    for (let token = this.#take(); token.type !== 'end'; token = this.#take()) {
      if (token.type === 'text') {
        nodes.push({ kind: 'text', text: token.text });
        continue;
      }
      const word = this.#skipSpace();
      if (word.type === 'word' && (word.text === 'end' || word.text === 'else')) {
        this.#take();
        if (word.text === 'end') this.#close('end');
        return { nodes, by: word.text };
      }
      const node = this.#action(word);
      if (node !== undefined) nodes.push(node);
    }
    return { nodes, by: 'eof' };
  }

  #action(word: Token): Node | undefined {
    const keyword = word.type === 'word' ? word.text : '';
    if (keyword === 'if' || keyword === 'with' || keyword === 'range') return this.#control(keyword);
    if (keyword === 'break' || keyword === 'continue') return this.#jump(keyword);
    if (keyword === 'define') return this.#define();
    if (keyword === 'template' || keyword === 'block') return this.#call(keyword);
    const pipe = this.#pipe('command');
    this.#close('command');
    return { kind: 'action', pipe };
  }

  #control(kind: 'if' | 'with' | 'range'): Node {
    this.#take();
    const known = this.#variables.length;
    const pipe = this.#pipe(kind);
    this.#close(kind);
    if (kind === 'range') this.#loops += 1;
    const { nodes: body, by } = this.#list();
    if (kind === 'range') this.#loops -= 1;
    const otherwise = by === 'else' ? this.#otherwise(kind) : [];
    if (by === 'eof') throw this.#error('unexpected EOF');
    this.#variables.length = known;
    return { kind, pipe, body, otherwise };
  }

  /** After {{else: the rest of the list, or another {{else if x}} (with: {{else with x}}), which shares its {{end}}. */
  #otherwise(kind: 'if' | 'with' | 'range'): Node[] {
    const word = this.#skipSpace();
    if (word.type === 'word' && word.text === kind && kind !== 'range') return [this.#control(kind)];
    this.#close('else');
    const { nodes, by } = this.#list();
    if (by === 'eof') throw this.#error('unexpected EOF');
    if (by === 'else') throw this.#error('expected end; found {{else}}');
    return nodes;
  }

  #jump(kind: 'break' | 'continue'): Node {
    this.#take();
    if (this.#loops === 0) throw this.#error(`{{${kind}}} outside {{range}}`);
    this.#close(kind);
    return { kind };
  }

  #define(): undefined {
    this.#take();
    const name = this.#name('define clause');
    this.#close('define clause');
    this.#definitions.set(name, this.#apart());
    return undefined;
  }

  /** A body with variables of its own. */
  #apart(): Node[] {
    const outer = this.#variables;
    this.#variables = ['$'];
    const { nodes, by } = this.#list();
    if (by !== 'end') throw this.#error(by === 'eof' ? 'unexpected EOF' : 'unexpected {{else}}');
    this.#variables = outer;
    return nodes;
  }

  #call(kind: 'template' | 'block'): Node {
    const { at } = this.#take();
    const name = this.#name(`${kind} clause`);
    const empty = this.#skipSpace().type === 'close';
    const pipe = empty ? undefined : this.#pipe(`${kind} clause`);
    this.#close(`${kind} clause`);
    if (kind === 'block') this.#definitions.set(name, this.#apart());
    return { kind: 'template', name, at, ...(pipe === undefined ? {} : { pipe }) };
  }

  #name(context: string): string {
    const token = this.#skipSpace();
    if (token.type !== 'constant' || typeof token.value !== 'string') {
      throw this.#error(`unexpected ${shown(token)} in ${context}`);
    }
    this.#take();
    return token.value;
  }

  #pipe(context: string): Pipe {
    const { variables, assigns } = this.#declarations(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#skipSpace();
      if (token.type === 'close' || token.text === ')') break;
      const command = this.#command();
      const [first] = command.operands;
      if (commands.length > 0 && first !== undefined && isValue(first)) {
        throw this.#error(`non executable command in pipeline stage ${commands.length + 1}`);
      }
      commands.push(command);
    }
    if (commands.length === 0) throw this.#error(`missing value for ${context}`);
    this.#variables.push(...variables);
    return { variables, assigns, commands };
  }

  /** `$x :=`, `$x =`, and for range `$i, $x :=`. */
  #declarations(context: string): { variables: string[]; assigns: boolean } {
    const from = this.#next;
    const variables: string[] = [];
    while (this.#skipSpace().type === 'variable') {
      variables.push(this.#take().text);
      const { text } = this.#skipSpace();
      if (text === ':=' || text === '=') {
        this.#take();
        if (variables.length > (context === 'range' ? 2 : 1)) throw this.#error(`too many declarations in ${context}`);
        for (const name of variables) if (text === '=' && !this.#variables.includes(name)) throw this.#undefined(name);
        return { variables: variables.slice(), assigns: text === '=' };
      }
      if (text !== ',') break;
      this.#take();
    }
    this.#next = from;
    return { variables: [], assigns: false };
  }

  #undefined(name: string): TemplateSyntaxError {
    return this.#error(`undefined variable ${JSON.stringify(name)}`);
  }

  /** Operands separated by space, up to |, ) or }}. */
  #command(): Command {
    const { at } = this.#skipSpace();
    const operands: Operand[] = [];
    let end = at;
    for (;;) {
      const operand = this.#operand();
      if (operand === undefined) break;
      operands.push(operand);
      end = this.#peek().at;
      if (this.#peek().type !== 'space') break;
      this.#skipSpace();
    }
    const token = this.#skipSpace();
    if (operands.length === 0) throw this.#error(token.text === '|' ? 'missing value for command' : `unexpected ${shown(token)} in operand`);
    if (token.text === '|') {
      this.#take();
      const { type, text } = this.#skipSpace();
      if (type === 'close' || text === ')') throw this.#error('missing value for command');
    } else if (token.type !== 'close' && token.text !== ')') {
      throw this.#error(`unexpected ${shown(token)} in operand`);
    }
    return { at, source: this.#text.slice(at, end).trim(), operands };
  }

  #operand(): Operand | undefined {
    const of = this.#term();
    if (of === undefined || this.#peek().type !== 'field') return of;
    const { at } = this.#peek();
    if (of.kind === 'constant' || of.kind === 'nil' || of.kind === 'dot') {
      throw this.#error(`unexpected . after term ${JSON.stringify(of.source)}`);
    }
    const path: string[] = [];
    while (this.#peek().type === 'field') path.push(this.#take().text.slice(1));
    const source = `${of.source}.${path.join('.')}`;
    if (of.kind === 'field') return { ...of, at, source, path: [...of.path, ...path] };
    return { kind: 'field', at, source, of, path };
  }

  #term(): Operand | undefined {
    const token = this.#peek();
    const base = { at: token.at, source: token.text };
    if (token.text === '(') return this.#parenthesis();
    if (!['dot', 'field', 'variable', 'constant', 'word'].includes(token.type)) return undefined;
    this.#take();
    if (token.type === 'dot') return { kind: 'dot', ...base };
    if (token.type === 'field') return { kind: 'field', ...base, path: [token.text.slice(1)] };
    if (token.type === 'constant') return { kind: 'constant', ...base, value: token.value ?? '' };
    if (token.type === 'variable') {
      if (!this.#variables.includes(token.text)) throw this.#undefined(token.text);
      return { kind: 'variable', ...base, name: token.text };
    }
    if (token.text === 'true' || token.text === 'false') return { kind: 'constant', ...base, value: token.text === 'true' };
    if (token.text === 'nil') return { kind: 'nil', ...base };
    if (!this.#functions.has(token.text)) throw this.#error(`function ${JSON.stringify(token.text)} not defined`);
    return { kind: 'function', ...base, name: token.text };
  }

  #parenthesis(): Operand {
    const { at } = this.#take();
    const pipe = this.#pipe('parenthesized pipeline');
    if (this.#skipSpace().text !== ')') throw this.#error('unclosed left paren');
    this.#take();
    return { kind: 'pipe', at, source: this.#text.slice(at, this.#peek().at), pipe };
  }
}

function isValue(operand: Operand): boolean {
  return operand.kind === 'constant' || operand.kind === 'nil' || operand.kind === 'dot';
}

/** A token as Go's messages show it. */
function shown(token: Token): string {
  if (token.type === 'end') return 'EOF';
  return `${token.type === 'close' ? '"}}"' : `<${token.text}>`}`;
}
