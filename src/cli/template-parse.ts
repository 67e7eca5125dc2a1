/** Go templates (text/template/parse): tokens become a tree. Docker's --format uses this language. */

import { quote } from '#base/go-quote.ts';
import { LiteralError, type NumberLiteral, readLetter, readNumber, unquote } from '#cli/goliteral.ts';
import { lineOf, TemplateSyntaxError, type Token, tokenize } from '#cli/template-lex.ts';

/** at: where messages say that it is; source: as messages show it. */
interface Place {
  at: number;
  source: string;
}

export type Operand = Place &
  (
    | { kind: 'dot' }
    | { kind: 'nil' }
    | { kind: 'bool'; value: boolean }
    | { kind: 'string'; value: string }
    | { kind: 'number'; number: NumberLiteral }
    | { kind: 'function'; name: string }
    | { kind: 'variable'; name: string; path: string[] }
    | { kind: 'pipe'; pipe: Pipe }
    /** The dot's fields: `.A.B`. */
    | { kind: 'field'; path: string[] }
    /** Fields of something: `(f x).A`. */
    | { kind: 'chain'; of: Operand; path: string[] }
  );

export interface Command extends Place {
  operands: Operand[];
}

export interface Pipe extends Place {
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
  | ({ kind: 'template'; name: string; pipe?: Pipe } & Place);

type Jump = 'break' | 'continue';
type Control = 'if' | 'with' | 'range';

export interface Template {
  body: Node[];
  /** {{define "name"}} and {{block "name" x}}. */
  definitions: Map<string, Node[]>;
}

/** Reads a template. functions: the names that are defined. Throws TemplateSyntaxError. */
export function parseTemplate(text: string, functions: ReadonlySet<string>): Template {
  return new TemplateParser(text, functions).parse();
}

/** What ended a list of nodes. */
interface Ended {
  nodes: Node[];
  by: 'end' | 'else';
}

const OPERANDS = new Set<Token['type']>(['bool', 'letter', 'number', 'field', 'word', 'string', 'variable', 'left']);
const isOperand = ({ type, text }: Token) =>
  OPERANDS.has(type) || (type === 'keyword' && (text === '.' || text === 'nil'));

/** Keywords that begin no action of their own here. */
const NO_ACTIONS = new Set(['.', 'nil', 'define']);

const isEmpty = (nodes: readonly Node[]) => nodes.every((node) => node.kind === 'text' && node.text.trim() === '');

class TemplateParser {
  readonly #text: string;
  readonly #functions: ReadonlySet<string>;
  readonly #tokens: Token[];
  readonly #definitions = new Map<string, Node[]>();
  #variables: string[] = ['$'];
  #next = 0;
  #loops = 0;
  /** The line that the action began in. */
  #actionLine = 0;

  constructor(text: string, functions: ReadonlySet<string>) {
    this.#text = text;
    this.#functions = functions;
    this.#tokens = tokenize(text);
  }

  parse(): Template {
    const body: Node[] = [];
    while (this.#peek().type !== 'end') {
      if (this.#isDefinition()) {
        this.#define();
        continue;
      }
      const node = this.#node();
      if (typeof node === 'string') throw this.#error(`unexpected {{${node}}}`);
      body.push(node);
    }
    return { body, definitions: this.#definitions };
  }

  #error(message: string, token = this.#tokens[this.#next - 1] ?? this.#peek()): TemplateSyntaxError {
    return new TemplateSyntaxError(message, lineOf(this.#text, token.at));
  }

  #unexpected(token: Token, context: string): TemplateSyntaxError {
    if (token.type !== 'mistake') return this.#error(`unexpected ${shown(token)} in ${context}`, token);
    const line = lineOf(this.#text, token.at);
    if (this.#actionLine === 0 || this.#actionLine === line) return this.#error(token.text, token);
    const what = token.text.endsWith(' action') ? '' : ' in action';
    return this.#error(`${token.text}${what} started at :${this.#actionLine}`, token);
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { type: 'end', text: '', at: this.#text.length };
  }

  #take(): Token {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }

  #peekPastSpace(): Token {
    while (this.#peek().type === 'space') this.#next += 1;
    return this.#peek();
  }

  #takePastSpace(): Token {
    this.#peekPastSpace();
    return this.#take();
  }

  #isWord(word: string): boolean {
    const { type, text } = this.#peekPastSpace();
    return type === 'keyword' && text === word;
  }

  #close(context: string): void {
    const token = this.#takePastSpace();
    if (token.type !== 'close') throw this.#unexpected(token, context);
  }

  #isDefinition(): boolean {
    const from = this.#next;
    const found = this.#take().type === 'open' && this.#isWord('define');
    if (found) this.#take();
    else this.#next = from;
    return found;
  }

  /** Text or an action; {{end}} and {{else}} by their names. */
  #node(): Node | Ended['by'] {
    const token = this.#takePastSpace();
    if (token.type === 'text') return { kind: 'text', text: token.text };
    if (token.type !== 'open') throw this.#unexpected(token, 'input');
    this.#actionLine = lineOf(this.#text, token.at);
    const node = this.#action();
    this.#actionLine = 0;
    return node;
  }

  /** Nodes up to {{end}} or {{else}}. */
  #list(): Ended {
    const nodes: Node[] = [];
    while (this.#peekPastSpace().type !== 'end') {
      const node = this.#node();
      if (typeof node === 'string') return { nodes, by: node };
      nodes.push(node);
    }
    throw this.#error('unexpected EOF', this.#peek());
  }

  #action(): Node | Ended['by'] {
    const { type, text } = this.#peekPastSpace();
    if (type !== 'keyword' || NO_ACTIONS.has(text)) return { kind: 'action', pipe: this.#pipe('command') };
    this.#take();
    switch (text) {
      case 'if':
      case 'with':
      case 'range':
        return this.#control(text);
      case 'break':
      case 'continue':
        return this.#jump(text);
      case 'template':
        return this.#call();
      case 'block':
        return this.#block();
      case 'end':
        this.#close('end');
        return 'end';
      default:
        // {{else if …}} is read by who has asked for the {{else}}.
        if (!this.#isWord('if') && !this.#isWord('with')) this.#close('else');
        return 'else';
    }
  }

  #control(kind: Control): Node {
    const known = this.#variables.length;
    const pipe = this.#pipe(kind);
    if (kind === 'range') this.#loops += 1;
    const { nodes: body, by } = this.#list();
    if (kind === 'range') this.#loops -= 1;
    const otherwise = by === 'else' ? this.#otherwise(kind) : [];
    this.#variables.length = known;
    return { kind, pipe, body, otherwise };
  }

  /** After {{else: the rest of the list, or another {{else if x}} (with: {{else with x}}), which shares its {{end}}. */
  #otherwise(kind: Control): Node[] {
    const { type, text } = this.#peek();
    if (type === 'keyword' && text === kind && kind !== 'range') {
      this.#take();
      return [this.#control(kind)];
    }
    const { nodes, by } = this.#list();
    if (by === 'else') throw this.#error('expected end; found {{else}}');
    return nodes;
  }

  #jump(kind: Jump): Node {
    const token = this.#takePastSpace();
    if (token.type !== 'close') throw this.#unexpected(token, `{{${kind}}}`);
    if (this.#loops === 0) throw this.#error(`{{${kind}}} outside {{range}}`);
    return { kind };
  }

  #define(): void {
    const name = this.#name('define clause');
    this.#close('define clause');
    this.#add(name, this.#apart('define clause'));
  }

  /** A body with variables and loops of its own. */
  #apart(context: string): Node[] {
    const outer = { variables: this.#variables, loops: this.#loops };
    this.#variables = ['$'];
    this.#loops = 0;
    const { nodes, by } = this.#list();
    if (by !== 'end') throw this.#error(`unexpected {{else}} in ${context}`);
    this.#variables = outer.variables;
    this.#loops = outer.loops;
    return nodes;
  }

  /** An empty template gives way to another. */
  #add(name: string, nodes: Node[]): void {
    const known = this.#definitions.get(name);
    if (known === undefined || isEmpty(known)) this.#definitions.set(name, nodes);
    else if (!isEmpty(nodes)) throw this.#error(`template: multiple definition of template ${quote(name)}`);
  }

  #call(): Node {
    const { at } = this.#peekPastSpace();
    const name = this.#name('template clause');
    const source = `{{template ${quote(name)}`;
    if (this.#peekPastSpace().type === 'close') {
      this.#take();
      return { kind: 'template', name, at, source: `${source}}}` };
    }
    const pipe = this.#pipe('template clause');
    return { kind: 'template', name, at, source: `${source} ${pipe.source}}}`, pipe };
  }

  #block(): Node {
    const { at } = this.#peekPastSpace();
    const name = this.#name('block clause');
    const pipe = this.#pipe('block clause');
    this.#add(name, this.#apart('block clause'));
    return { kind: 'template', name, at, source: `{{template ${quote(name)} ${pipe.source}}}`, pipe };
  }

  #name(context: string): string {
    const token = this.#takePastSpace();
    if (token.type !== 'string') throw this.#unexpected(token, context);
    return this.#literal(() => unquote(token.text));
  }

  /** A pipeline and what ends it. */
  #pipe(context: string, end: 'close' | 'right' = 'close'): Pipe {
    const { at } = this.#peekPastSpace();
    const { variables, assigns } = this.#declarations(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#peekPastSpace();
      if (token.type === end) break;
      if (!isOperand(token)) {
        this.#take();
        throw this.#unexpected(token, context);
      }
      commands.push(this.#command());
    }
    this.#take();
    this.#checkCommands(commands, context);
    const declared = variables.length === 0 ? '' : `${variables.join(', ')} ${assigns ? '=' : ':='} `;
    const source = declared + commands.map((command) => command.source).join(' | ');
    return { at, source, variables, assigns, commands };
  }

  #checkCommands(commands: readonly Command[], context: string): void {
    if (commands.length === 0) throw this.#error(`missing value for ${context}`);
    // Only the first may be something that can't be called.
    const wrong = commands.findIndex(
      ({ operands: [first] }, stage) => stage > 0 && first !== undefined && isPlain(first),
    );
    if (wrong > 0) throw this.#error(`non executable command in pipeline stage ${wrong + 1}`);
  }

  /** `$x :=`, `$x =`, and for range `$i, $x :=`. Without one of the signs it is an operand: nothing is taken. */
  #declarations(context: string): { variables: string[]; assigns: boolean } {
    const variables: string[] = [];
    for (;;) {
      const from = this.#next;
      if (this.#peekPastSpace().type !== 'variable') return { variables, assigns: false };
      const { text } = this.#take();
      const sign = this.#peekPastSpace();
      const isComma = sign.type === 'char' && sign.text === ',';
      if (!isComma && sign.type !== 'declare' && sign.type !== 'assign') {
        this.#next = from;
        return { variables, assigns: false };
      }
      this.#take();
      variables.push(text);
      this.#variables.push(text);
      if (!isComma) return { variables, assigns: sign.type === 'assign' };
      if (context !== 'range' || variables.length > 1) throw this.#error(`too many declarations in ${context}`);
      if (!['variable', 'close', 'right'].includes(this.#peekPastSpace().type)) {
        throw this.#error('range can only initialize variables');
      }
    }
  }

  /** Operands separated by space, up to |, ) or }}. */
  #command(): Command {
    const { at } = this.#peekPastSpace();
    const operands: Operand[] = [];
    for (;;) {
      this.#peekPastSpace();
      const operand = this.#operand();
      if (operand !== undefined) operands.push(operand);
      const token = this.#take();
      if (token.type === 'space') continue;
      if (token.type === 'close' || token.type === 'right') this.#next -= 1;
      else if (token.type !== 'pipe') throw this.#unexpected(token, 'operand');
      break;
    }
    if (operands.length === 0) throw this.#error('empty command');
    return { at, source: operands.map((operand) => operand.source).join(' '), operands };
  }

  #operand(): Operand | undefined {
    const of = this.#term();
    if (of === undefined || this.#peek().type !== 'field') return of;
    const { at } = this.#peek();
    const path: string[] = [];
    while (this.#peek().type === 'field') path.push(this.#take().text.slice(1));
    const source = `${of.source}.${path.join('.')}`;
    if (of.kind === 'field' || of.kind === 'variable') return { ...of, at, source, path: [...of.path, ...path] };
    if (of.kind === 'pipe' || of.kind === 'function' || of.kind === 'chain')
      return { kind: 'chain', at, source, of, path };
    throw this.#error(`unexpected . after term ${quote(of.source)}`);
  }

  #term(): Operand | undefined {
    const token = this.#peekPastSpace();
    if (!isOperand(token)) return undefined;
    this.#take();
    const { text } = token;
    const place = { at: token.at, source: text };
    switch (token.type) {
      case 'left': {
        const pipe = this.#pipe('parenthesized pipeline', 'right');
        return { kind: 'pipe', at: pipe.at, source: `(${pipe.source})`, pipe };
      }
      case 'field':
        return { kind: 'field', ...place, path: [text.slice(1)] };
      case 'bool':
        return { kind: 'bool', ...place, value: text === 'true' };
      case 'string':
        return { kind: 'string', ...place, value: this.#literal(() => unquote(text)) };
      case 'letter':
        return { kind: 'number', ...place, number: this.#literal(() => readLetter(text)) };
      case 'number':
        return { kind: 'number', ...place, number: this.#literal(() => readNumber(text)) };
      case 'variable':
        if (!this.#variables.includes(text)) throw this.#error(`undefined variable ${quote(text)}`);
        return { kind: 'variable', ...place, name: text, path: [] };
      case 'word':
        if (!this.#functions.has(text)) throw this.#error(`function ${quote(text)} not defined`);
        return { kind: 'function', ...place, name: text };
      default:
        return { kind: text === '.' ? 'dot' : 'nil', ...place };
    }
  }

  #literal<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof LiteralError)) throw error;
      throw this.#error(error.message);
    }
  }
}

/** Nothing that could be called with the value of the stage before. */
function isPlain({ kind }: Operand): boolean {
  return kind === 'bool' || kind === 'string' || kind === 'number' || kind === 'nil' || kind === 'dot';
}

/** A token as Go's messages show it. */
function shown({ type, text }: Token): string {
  if (type === 'end') return 'EOF';
  if (type === 'keyword') return `<${text}>`;
  return text.length > 10 ? `${quote(text.slice(0, 10))}...` : quote(text);
}
