/** Go templates (text/template/parse): tokens become a tree. Docker's --format uses this language. */
import { lineOf, TemplateSyntaxError, type Token, tokenize } from '#cli/template-lex.ts';

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
    this.#take();
    const { at } = this.#skipSpace();
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

  /** `$x :=`, `$x =`, and for range `$i, $x :=`. Without one of the signs these are operands: nothing is taken. */
  #declarations(context: string): { variables: string[]; assigns: boolean } {
    const from = this.#next;
    const variables = this.#variableList();
    const sign = this.#skipSpace().text;
    if (variables.length === 0 || (sign !== ':=' && sign !== '=')) {
      this.#next = from;
      return { variables: [], assigns: false };
    }
    this.#take();
    if (variables.length > (context === 'range' ? 2 : 1)) throw this.#error(`too many declarations in ${context}`);
    const unknown = variables.find((name) => sign === '=' && !this.#variables.includes(name));
    if (unknown !== undefined) throw this.#undefined(unknown);
    return { variables, assigns: sign === '=' };
  }

  #variableList(): string[] {
    const variables: string[] = [];
    while (this.#skipSpace().type === 'variable') {
      variables.push(this.#take().text);
      if (this.#skipSpace().text === ',') this.#take();
    }
    return variables;
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
    if (operands.length === 0)
      throw this.#error(token.text === '|' ? 'missing value for command' : `unexpected ${shown(token)} in operand`);
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
    if (token.text === 'true' || token.text === 'false')
      return { kind: 'constant', ...base, value: token.text === 'true' };
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
