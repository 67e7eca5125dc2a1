/** Go templates (text/template, exec): walks a template's tree over a value. Where it fails, the message is Go's. */

import { quote } from '#base/go-quote.ts';
import { formatValue } from '#cli/gofmt.ts';
import {
  anyValue,
  BOOL,
  entriesOf,
  fieldOf,
  type GoType,
  INT,
  INVALID,
  indirect,
  inside,
  isAssignable,
  isNil,
  isTrue,
  type Method,
  numberOf,
  REFLECTED,
  STRING,
  type Value,
} from '#cli/gotypes.ts';
import { type Functions, TemplateCallError, type TemplateFunction } from '#cli/template-functions.ts';
import type { Command, Node, Operand, Pipe } from '#cli/template-parse.ts';

/** The data don't fit the template; the message is Go's, after the place. */
export class TemplateError extends Error {
  readonly line: number;
  readonly column: number;
  readonly template: string;
  readonly source: string;

  constructor(message: string, place: { line: number; column: number; template: string; source: string }) {
    super(message);
    this.line = place.line;
    this.column = place.column;
    this.template = place.template;
    this.source = place.source;
  }
}

interface Environment {
  definitions: ReadonlyMap<string, Node[]>;
  functions: Functions;
  text: string;
  /** A key that a map lacks is a mistake (missingkey=error). */
  strict: boolean;
}

interface Variable {
  name: string;
  value: Value;
}

/** How a list of nodes was left. */
type Flow = 'on' | 'break' | 'continue';

/** What messages name: a node of the tree. */
interface Place {
  at: number;
  source: string;
}

/** Go's limit of nested templates. */
const MAX_DEPTH = 100_000;
/** Rounds of loops in one rendering: Docker would go on as long as it takes; a typing error shall not. */
const MAX_ROUNDS = 20_000_000;
/** Characters that one rendering may have: what a text can hold. */
const MAX_OUTPUT = 2 ** 28;

export class TemplateRun {
  readonly #env: Environment;
  /** The template that is being walked, for messages. */
  #name: string;
  #place: Place = { at: 0, source: '' };
  #output = '';
  #depth = 0;
  #rounds = 0;
  #variables: Variable[] = [];

  constructor(env: Environment, name: string) {
    this.#env = env;
    this.#name = name;
  }

  /** Throws TemplateError. */
  render(body: readonly Node[], data: Value): string {
    this.#variables = [{ name: '$', value: data }];
    this.#list(body, data);
    return this.#output;
  }

  #fail(message: string): TemplateError {
    const { at, source } = this.#place;
    const before = this.#env.text.slice(0, at).split('\n');
    const column = Buffer.byteLength(before.at(-1) ?? '');
    return new TemplateError(message, { line: before.length, column, template: this.#name, source });
  }

  #write(text: string): void {
    if (this.#output.length + text.length > MAX_OUTPUT) throw this.#fail('the text becomes too long');
    this.#output += text;
  }

  #list(nodes: readonly Node[], dot: Value): Flow {
    for (const node of nodes) {
      const flow = this.#node(node, dot);
      if (flow !== 'on') return flow;
    }
    return 'on';
  }

  #node(node: Node, dot: Value): Flow {
    switch (node.kind) {
      case 'text':
        this.#write(node.text);
        return 'on';
      case 'action': {
        const value = this.#pipe(node.pipe, dot);
        if (node.pipe.variables.length === 0) this.#write(printed(value));
        return 'on';
      }
      case 'if':
      case 'with':
        return this.#scoped(() => {
          const value = this.#pipe(node.pipe, dot);
          if (!isTrue(value)) return this.#list(node.otherwise, dot);
          return this.#list(node.body, node.kind === 'with' ? value : dot);
        });
      case 'range':
        return this.#scoped(() => this.#range(node, dot));
      case 'template':
        return this.#template(node, dot);
      default:
        return node.kind;
    }
  }

  /** Variables made inside are gone afterwards. */
  #scoped(run: () => Flow): Flow {
    const known = this.#variables.length;
    const flow = run();
    this.#variables.length = known;
    return flow;
  }

  #range({ pipe, body, otherwise }: { pipe: Pipe; body: Node[]; otherwise: Node[] }, dot: Value): Flow {
    const { variables } = pipe;
    const list = indirect(this.#pipe(pipe, dot)).value;
    const known = this.#variables.length;
    let isEmpty = true;
    for (const [key, value] of this.#pairs(list, variables.length)) {
      isEmpty = false;
      this.#variables.length = known;
      const [first, second] = variables;
      if (first !== undefined) this.#assign(first, second === undefined ? value : key);
      if (second !== undefined) this.#assign(second, value);
      this.#rounds += 1;
      if (this.#rounds > MAX_ROUNDS) throw this.#fail(`more than ${MAX_ROUNDS} rounds`);
      if (this.#list(body, value) === 'break') break;
    }
    return isEmpty ? this.#list(otherwise, dot) : 'on';
  }

  /** A list, a map in the order of its keys, a count. */
  #pairs(list: Value, variables: number): Iterable<[Value, Value]> {
    const { type } = list;
    if (type.kind === 'slice') return itemsOf(list);
    if (type.kind === 'map') return entriesOf(list);
    if (type.kind === 'int' || type.kind === 'uint') {
      if (variables > 1) throw this.#fail(`can't use ${formatValue(list)} to iterate over more than one variable`);
      return countTo(list);
    }
    if (type.kind === 'invalid' || (type.kind === 'interface' && isNil(list))) return [];
    throw this.#fail(`range can't iterate over ${formatValue(list)}`);
  }

  #assign(name: string, value: Value): void {
    const known = this.#variables.findLast((variable) => variable.name === name);
    if (known === undefined) throw this.#fail(`undefined variable: ${name}`);
    known.value = value;
  }

  #template(node: Node & { kind: 'template' }, dot: Value): Flow {
    this.#place = node;
    const body = this.#env.definitions.get(node.name);
    if (body === undefined) throw this.#fail(`template ${quote(node.name)} not defined`);
    if (this.#depth >= MAX_DEPTH) throw this.#tooDeep(node);
    const value = node.pipe === undefined ? INVALID : this.#pipe(node.pipe, dot);
    const outer = { variables: this.#variables, name: this.#name };
    this.#variables = [{ name: '$', value }];
    this.#name = node.name;
    this.#depth += 1;
    try {
      this.#list(body, value);
    } catch (error) {
      // Our own stack ends before Go's limit does; a regular expression calls that a mistake in its syntax.
      const isStack = error instanceof RangeError || error instanceof SyntaxError;
      throw isStack && this.#depth > 100 ? this.#tooDeep(node) : error;
    }
    this.#depth -= 1;
    this.#variables = outer.variables;
    this.#name = outer.name;
    return 'on';
  }

  #tooDeep(node: Place): TemplateError {
    this.#place = node;
    return this.#fail(`exceeded maximum template depth (${MAX_DEPTH})`);
  }

  #pipe(pipe: Pipe, dot: Value): Value {
    this.#place = pipe;
    const { variables, assigns, commands } = pipe;
    let value: Value | undefined;
    for (const command of commands) value = inside(this.#command(command, dot, value));
    const result = value ?? INVALID;
    for (const name of variables) {
      if (assigns) this.#assign(name, result);
      else this.#variables.push({ name, value: result });
    }
    return result;
  }

  /** piped: what the stage before has made. */
  #command(command: Command, dot: Value, piped: Value | undefined): Value {
    const [first, ...rest] = command.operands;
    if (first === undefined) return INVALID;
    if (first.kind === 'function') return this.#function(first.name, first, { command, rest, dot, piped });
    if (first.kind === 'field' || first.kind === 'chain') return this.#fields(first, dot, { rest, piped });
    if (first.kind === 'variable') return this.#variable(first, dot, { rest, piped });
    if (first.kind !== 'pipe') this.#place = first;
    this.#refuseArguments(first, rest, piped);
    if (first.kind === 'nil') throw this.#fail('nil is not a command');
    return this.#plain(first, dot);
  }

  #refuseArguments({ source }: Place, rest: readonly Operand[], piped: Value | undefined): void {
    if (rest.length > 0 || piped !== undefined) throw this.#fail(`can't give argument to non-function ${source}`);
  }

  /** What is neither called nor looked into. */
  #plain(operand: Operand, dot: Value): Value {
    if (operand.kind === 'pipe') return this.#pipe(operand.pipe, dot);
    this.#place = operand;
    if (operand.kind === 'bool') return { type: BOOL, data: operand.value };
    if (operand.kind === 'string') return { type: STRING, data: operand.value };
    if (operand.kind !== 'number') return operand.kind === 'dot' ? dot : INVALID;
    if (operand.number.overflows) throw this.#fail(`${operand.source} overflows int`);
    return operand.number;
  }

  #variable(operand: Operand & { kind: 'variable' }, dot: Value, given: Given): Value {
    this.#place = operand;
    const known = this.#variables.findLast(({ name }) => name === operand.name);
    if (known === undefined) throw this.#fail(`undefined variable: ${operand.name}`);
    if (operand.path.length > 0) return this.#walk(known.value, operand.path, dot, given);
    this.#refuseArguments(operand, given.rest, given.piped);
    return known.value;
  }

  #fields(operand: Operand & { kind: 'field' | 'chain' }, dot: Value, given: Given): Value {
    this.#place = operand;
    const from = operand.kind === 'field' ? dot : this.#argument(operand.of, dot, undefined);
    return this.#walk(from, operand.path, dot, given);
  }

  /** A chain of fields; arguments are the last one's, which is a method then. */
  #walk(from: Value, path: readonly string[], dot: Value, given: Given): Value {
    const last = path.length - 1;
    return path.reduce((value, name, at) => this.#field(value, name, dot, at === last ? given : NONE), from);
  }

  #field(holder: Value, name: string, dot: Value, given: Given): Value {
    if (holder.type.kind === 'invalid') {
      if (this.#env.strict) throw this.#fail(`nil data; no entry for key ${quote(name)}`);
      return INVALID;
    }
    const { value: receiver, isNil: empty } = indirect(holder);
    if (empty) throw this.#nilField(holder, receiver, name);
    const method = methodOf(receiver, name);
    if (method !== undefined) return this.#method(method, name, receiver, dot, given);
    const hasArguments = given.rest.length > 0 || given.piped !== undefined;
    if (receiver.type.kind === 'map' && !receiver.type.key?.named) {
      if (hasArguments) throw this.#fail(`${name} is not a method but has arguments`);
      return this.#entry(receiver, name);
    }
    const found = fieldOf(receiver, name);
    if (found === undefined) throw this.#fail(`can't evaluate field ${name} in type ${holder.type.name}`);
    if (hasArguments) throw this.#fail(`${name} has arguments but cannot be invoked as function`);
    return found;
  }

  /** A pointer that leads nowhere has no fields; to a struct that would not have this one, that is said instead. */
  #nilField({ type }: Value, { type: last }: Value, name: string): TemplateError {
    const isMissing = last.elem?.kind === 'struct' && fieldOf({ type: last.elem, data: {} }, name) === undefined;
    if (isMissing) return this.#fail(`can't evaluate field ${name} in type ${type.name}`);
    return this.#fail(`nil pointer evaluating ${type.name}.${name}`);
  }

  #entry({ type, data }: Value, name: string): Value {
    if (data !== null && data !== undefined && Object.hasOwn(data as object, name)) {
      return { type: type.elem ?? anyValue(data).type, data: (data as Record<string, unknown>)[name] };
    }
    if (this.#env.strict) throw this.#fail(`map has no entry for key ${quote(name)}`);
    return INVALID;
  }

  #method(method: Method, name: string, receiver: Value, dot: Value, { rest, piped }: Given): Value {
    const values = this.#arguments(name, { params: method.params }, rest, dot, piped);
    return method.call(receiver.data, ...values.map(({ data }) => data));
  }

  #function(name: string, place: Place, call: Call): Value {
    this.#place = place;
    const { command, rest, dot, piped } = call;
    const fn = this.#env.functions[name];
    if (fn === undefined) throw this.#fail(`${quote(name)} is not a defined function`);
    if (name === 'and' || name === 'or') return this.#shortCircuit(name, fn, call);
    const values = this.#arguments(name, fn, rest, dot, piped);
    try {
      if (name === 'call') throw new TemplateCallError(notCallable(inside(values[0] ?? INVALID), rest[0]));
      return fn.call(...values);
    } catch (error) {
      if (!(error instanceof TemplateCallError)) throw error;
      this.#place = command;
      throw this.#fail(`error calling ${name}: ${error.message}`);
    }
  }

  #checkCount(name: string, { params, rest }: Pick<TemplateFunction, 'params' | 'rest'>, written: number, all: number) {
    if (rest !== undefined && all < params.length) {
      throw this.#fail(`wrong number of args for ${name}: want at least ${params.length} got ${written}`);
    }
    if (rest === undefined && all !== params.length) {
      throw this.#fail(`wrong number of args for ${name}: want ${params.length} got ${all}`);
    }
  }

  #arguments(
    name: string,
    fn: Pick<TemplateFunction, 'params' | 'rest'>,
    rest: readonly Operand[],
    dot: Value,
    piped: Value | undefined,
  ): Value[] {
    const count = rest.length + (piped === undefined ? 0 : 1);
    this.#checkCount(name, fn, rest.length, count);
    const type = (at: number) => fn.params[at] ?? fn.rest ?? REFLECTED;
    const values = rest.map((operand, at) => this.#argument(operand, dot, type(at)));
    return piped === undefined ? values : [...values, this.#validate(piped, type(rest.length))];
  }

  /** The first value that decides; the others are not looked at. */
  #shortCircuit(name: 'and' | 'or', fn: TemplateFunction, { rest, dot, piped }: Call): Value {
    this.#checkCount(name, fn, rest.length, rest.length + (piped === undefined ? 0 : 1));
    let value = INVALID;
    for (const operand of rest) {
      value = this.#argument(operand, dot, REFLECTED);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return piped ?? value;
  }

  /** An argument of this type; without a type any value goes. */
  #argument(operand: Operand, dot: Value, type: GoType | undefined): Value {
    this.#place = operand;
    switch (operand.kind) {
      case 'dot':
        return this.#validate(dot, type);
      case 'nil':
        if (type === undefined || type === REFLECTED) return INVALID;
        if (canBeNil(type)) return { type, data: undefined };
        throw this.#fail(`cannot assign nil to ${type.name}`);
      case 'field':
      case 'chain':
        return this.#validate(this.#fields(operand, dot, NONE), type);
      case 'variable':
        return this.#validate(this.#variable(operand, dot, NONE), type);
      case 'pipe':
        return this.#validate(this.#pipe(operand.pipe, dot), type);
      case 'function':
        return this.#validate(
          this.#function(operand.name, operand, { command: operand, rest: [], dot, piped: undefined }),
          type,
        );
      default:
        return this.#constant(operand, dot, type);
    }
  }

  /** A constant fits by how it is written. */
  #constant(operand: Operand, dot: Value, type: GoType | undefined): Value {
    const { kind, source } = operand;
    if (type?.kind === 'string' && kind !== 'string') throw this.#fail(`expected string; found ${source}`);
    if (
      type?.kind === 'int' &&
      !(kind === 'number' && operand.number.type.kind !== 'complex' && Number.isInteger(Number(operand.number.data)))
    ) {
      throw this.#fail(`expected integer; found ${source}`);
    }
    if (type?.kind === 'slice' || type?.kind === 'map')
      throw this.#fail(`can't handle ${source} for arg of type ${type.name}`);
    return this.#plain(operand, dot);
  }

  #validate(value: Value, type: GoType | undefined): Value {
    if (type === undefined || type === REFLECTED) return value;
    if (value.type.kind === 'invalid') {
      if (canBeNil(type)) return { type, data: undefined };
      throw this.#fail(`invalid value; expected ${type.name}`);
    }
    if (isAssignable(value.type, type)) return value;
    const inner = inside(value);
    if (inner.type.kind !== 'invalid' && isAssignable(inner.type, type)) return inner;
    if (inner.type.kind === 'pointer' && inner.type.elem !== undefined && isAssignable(inner.type.elem, type)) {
      if (isNil(inner)) throw this.#fail(`dereference of nil pointer of type ${type.name}`);
      return { type: inner.type.elem, data: inner.data };
    }
    throw this.#fail(
      `wrong type for value; expected ${type.name}; got ${inner.type.kind === 'invalid' ? value.type.name : inner.type.name}`,
    );
  }
}

/** What follows the name of a method or function. */
interface Given {
  rest: readonly Operand[];
  piped: Value | undefined;
}

interface Call extends Given {
  command: Place;
  dot: Value;
}

const NONE: Given = { rest: [], piped: undefined };

const canBeNil = ({ kind }: GoType) => kind === 'interface' || kind === 'slice' || kind === 'map' || kind === 'pointer';

function itemsOf({ type, data }: Value): [Value, Value][] {
  const elem = type.elem ?? type;
  return ((data ?? []) as unknown[]).map((item, at) => [
    { type: INT, data: at },
    { type: elem, data: item },
  ]);
}

function* countTo({ type, data }: Value): Generator<[Value, Value]> {
  for (let at = 0; at < numberOf(data); at += 1) yield [INVALID, { type, data: at }];
}

const methodOf = ({ type, data }: Value, name: string): Method | undefined => type.methods?.(name, data);

/** There are no functions among our data, nor among Docker's. */
function notCallable(value: Value, operand: Operand | undefined): string {
  if (value.type.kind === 'invalid') return 'call of nil';
  return `non-function ${operand?.source ?? ''} of type ${value.type.name}`;
}

/** The text of an action's value: %v of what pointers lead to; nothing at all is `<no value>`. */
function printed(value: Value): string {
  const { value: target, isNil: empty } = value.type.kind === 'pointer' ? indirect(value) : { value, isNil: false };
  if (empty) return '<nil>';
  return target.type.kind === 'invalid' ? '<no value>' : formatValue(target);
}
