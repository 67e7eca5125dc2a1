/**
 * --format: Go templates over JSON data, with the functions of text/template and of Docker
 * (docs.docker.com/engine/cli/formatting). Everything that Docker's templates can do but `call`, which has nothing to call.
 */
import { WherryError } from '#base/error.ts';
import { formatValue, isStruct } from '#cli/gofmt.ts';
import { type Functions, isTrue, STANDARD, TemplateCallError } from '#cli/template-functions.ts';
import { TemplateSyntaxError } from '#cli/template-lex.ts';
import { type Command, type Node, type Operand, type Pipe, parseTemplate } from '#cli/template-parse.ts';

export interface TemplateOptions {
  /** Stands in Go's messages; empty for most commands. */
  name?: string;
  /** What comes before Go's message when the text can't be read, and the exit status then. */
  parsePrefix?: string;
  parseStatus?: number;
  /** What comes before Go's message when the data don't fit. */
  runPrefix?: string;
  /** The Go type whose fields the dot has: rows say `*formatter.ContainerContext`. */
  type?: string;
  /** Functions beside or instead of the standard ones. */
  functions?: Functions;
}

/**
 * Reads a template once; the result renders data as often as wanted, without a line feed at the end.
 * Both throw kind `invalid` with Go's message.
 */
export function compileTemplate(text: string, options: TemplateOptions = {}): (data: unknown) => string {
  const { name = '', parsePrefix = 'template parsing error: ', parseStatus = 64, runPrefix = parsePrefix } = options;
  const functions: Functions = options.functions === undefined ? STANDARD : { ...STANDARD, ...options.functions };
  try {
    const { body, definitions } = parseTemplate(text, new Set([...Object.keys(functions), 'and', 'or']));
    return (data) => {
      const run = new TemplateRun({ definitions, functions, name, text, prefix: runPrefix, type: options.type });
      return run.render(body, data);
    };
  } catch (error) {
    if (!(error instanceof TemplateSyntaxError)) throw error;
    throw new WherryError('invalid', `${parsePrefix}template: ${name}:${error.line}: ${error.message}`, {
      exitCode: parseStatus,
      cause: error,
    });
  }
}

interface Environment {
  definitions: ReadonlyMap<string, Node[]>;
  functions: Functions;
  name: string;
  text: string;
  prefix: string;
  type: string | undefined;
}

interface Variable {
  name: string;
  value: unknown;
}

/** How a list of nodes was left. */
type Flow = 'on' | 'break' | 'continue';

/** Go's limit of nested templates. */
const MAX_DEPTH = 1000;

/** Members that are maps or lists in Go even where JSON has null: they print as `[]` or `map[]`. */
const NULL_LISTS = new Set([
  'Binds',
  'CapAdd',
  'CapDrop',
  'Cmd',
  'DeviceCgroupRules',
  'DeviceRequests',
  'Dns',
  'DnsOptions',
  'DnsSearch',
  'Entrypoint',
  'Env',
  'ExecIDs',
  'ExtraHosts',
  'GroupAdd',
  'Links',
  'MaskedPaths',
  'OnBuild',
  'ReadonlyPaths',
  'SecurityOpt',
  'Shell',
  'Ulimits',
  'VolumesFrom',
  'Warnings',
  'Aliases',
  'DNSNames',
]);
const NULL_MAPS = new Set([
  'Annotations',
  'StorageOpt',
  'ExposedPorts',
  'Labels',
  'PortBindings',
  'Ports',
  'Sysctls',
  'Tmpfs',
  'Volumes',
  'DriverOpts',
]);

/** Fields that JSON leaves out where they are empty, and their empty values. */
const OMITTED: Readonly<Record<string, unknown>> = {
  Annotations: null,
  ExposedPorts: null,
  Health: null,
  Healthcheck: null,
  Init: null,
  MacAddress: '',
  Mounts: [],
  OnBuild: null,
  Shell: null,
  SizeRootFs: null,
  SizeRw: null,
  StopSignal: '',
  StopTimeout: null,
  StorageOpt: null,
  Sysctls: null,
  Tmpfs: null,
};

class TemplateRun {
  readonly #env: Environment;
  #root: unknown;
  #output = '';
  #depth = 0;
  #variables: Variable[] = [];

  constructor(env: Environment) {
    this.#env = env;
  }

  render(body: readonly Node[], data: unknown): string {
    this.#root = data;
    this.#variables = [{ name: '$', value: data }];
    this.#list(body, data);
    return this.#output;
  }

  #fail(at: number, source: string, message: string): WherryError {
    const { name, text, prefix } = this.#env;
    const before = text.slice(0, at).split('\n');
    const column = Buffer.byteLength(before.at(-1) ?? '');
    return new WherryError(
      'invalid',
      `${prefix}template: ${name}:${before.length}:${column}: executing ${JSON.stringify(name)} at <${source}>: ${message}`,
    );
  }

  #list(nodes: readonly Node[], dot: unknown): Flow {
    for (const node of nodes) {
      const flow = this.#node(node, dot);
      if (flow !== 'on') return flow;
    }
    return 'on';
  }

  #node(node: Node, dot: unknown): Flow {
    switch (node.kind) {
      case 'text':
        this.#output += node.text;
        return 'on';
      case 'action': {
        const value = this.#pipe(node.pipe, dot);
        if (node.pipe.variables.length === 0) this.#output += printed(value, node.pipe);
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

  #range(node: { pipe: Pipe; body: Node[]; otherwise: Node[] }, dot: unknown): Flow {
    const { variables, assigns } = node.pipe;
    const pairs = this.#pairs(node.pipe, this.#pipe({ ...node.pipe, variables: [] }, dot));
    if (pairs.length === 0) return this.#list(node.otherwise, dot);
    const known = this.#variables.length;
    for (const [key, value] of pairs) {
      this.#variables.length = known;
      const [first, second] = variables;
      if (first !== undefined) this.#bind(first, second === undefined ? value : key, assigns);
      if (second !== undefined) this.#bind(second, value, assigns);
      if (this.#list(node.body, value) === 'break') break;
    }
    return 'on';
  }

  /** What range walks over: a list, a map in the order of its keys, a count. */
  #pairs(pipe: Pipe, value: unknown): [unknown, unknown][] {
    if (value === null || value === undefined) return [];
    if (Array.isArray(value)) return [...value.entries()];
    if (typeof value === 'number') return Array.from({ length: Math.max(value, 0) }, (_, index) => [index, index]);
    if (typeof value === 'object' && !isStruct(value as Record<string, unknown>)) {
      return Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
    }
    const [command] = pipe.commands;
    throw this.#fail(command?.at ?? 0, command?.source ?? '', `range can't iterate over ${formatValue(value)}`);
  }

  #bind(name: string, value: unknown, assigns: boolean): void {
    const known = assigns ? this.#variables.findLast((variable) => variable.name === name) : undefined;
    if (known === undefined) this.#variables.push({ name, value });
    else known.value = value;
  }

  #template(node: Node & { kind: 'template' }, dot: unknown): Flow {
    const body = this.#env.definitions.get(node.name);
    const source = `{{template ${JSON.stringify(node.name)}}}`;
    if (body === undefined) throw this.#fail(node.at, source, `template ${JSON.stringify(node.name)} not defined`);
    if (this.#depth >= MAX_DEPTH) throw this.#fail(node.at, source, 'exceeded maximum template depth');
    const value = node.pipe === undefined ? undefined : this.#pipe(node.pipe, dot);
    const outer = this.#variables;
    this.#variables = [{ name: '$', value }];
    this.#depth += 1;
    this.#list(body, value);
    this.#depth -= 1;
    this.#variables = outer;
    return 'on';
  }

  #pipe({ variables, assigns, commands }: Pipe, dot: unknown): unknown {
    let value: unknown;
    for (const [index, command] of commands.entries()) {
      value = this.#command(command, dot, index === 0 ? [] : [value]);
    }
    for (const name of variables) this.#bind(name, value, assigns);
    return value;
  }

  #command(command: Command, dot: unknown, piped: unknown[]): unknown {
    const [first, ...rest] = command.operands;
    if (first === undefined) return undefined;
    if (first.kind === 'function') return this.#call(command, first, rest, dot, piped);
    if (first.kind === 'field')
      return this.#field(first, dot, [...rest.map((operand) => this.#operand(operand, dot)), ...piped]);
    if (first.kind === 'nil') throw this.#fail(first.at, 'nil', 'nil is not a command');
    if (rest.length > 0 || piped.length > 0) {
      throw this.#fail(first.at, first.source, `can't give argument to non-function ${first.source}`);
    }
    return this.#operand(first, dot);
  }

  #call(
    command: Command,
    { name }: Operand & { kind: 'function' },
    rest: Operand[],
    dot: unknown,
    piped: unknown[],
  ): unknown {
    try {
      if (name === 'and' || name === 'or') return this.#shortCircuit(name, rest, dot, piped);
      const values = [...rest.map((operand) => this.#operand(operand, dot)), ...piped];
      return this.#env.functions[name]?.(...values);
    } catch (error) {
      if (!(error instanceof TemplateCallError)) throw error;
      if (error.counts) throw this.#fail(command.at, name, error.message);
      throw this.#fail(command.at, command.source, `error calling ${name}: ${error.message}`);
    }
  }

  /** The first value that decides; the others are not looked at. */
  #shortCircuit(name: 'and' | 'or', rest: Operand[], dot: unknown, piped: unknown[]): unknown {
    if (rest.length + piped.length === 0)
      throw new TemplateCallError(`wrong number of args for ${name}: want at least 1 got 0`, true);
    let value: unknown;
    for (const operand of rest) {
      value = this.#operand(operand, dot);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  #operand(operand: Operand, dot: unknown): unknown {
    switch (operand.kind) {
      case 'dot':
        return dot;
      case 'nil':
        return null;
      case 'constant':
        return operand.value;
      case 'variable':
        return this.#variables.findLast(({ name }) => name === operand.name)?.value;
      case 'pipe':
        return this.#pipe(operand.pipe, dot);
      case 'field':
        return this.#field(operand, dot, []);
      default:
        return this.#call({ at: operand.at, source: operand.source, operands: [operand] }, operand, [], dot, []);
    }
  }

  #field(operand: Operand & { kind: 'field' }, dot: unknown, values: unknown[]): unknown {
    let value = operand.of === undefined ? dot : this.#operand(operand.of, dot);
    for (const [index, name] of operand.path.entries()) {
      const last = index === operand.path.length - 1;
      value = this.#member(value, name, operand, last ? values : []);
    }
    return value;
  }

  #member(holder: unknown, name: string, { at, source }: Operand, values: unknown[]): unknown {
    // A map's missing member has no members either.
    if (holder === undefined) return undefined;
    if (holder === null) throw this.#fail(at, source, `nil pointer evaluating interface {}.${name}`);
    if (typeof holder !== 'object' || Array.isArray(holder)) {
      throw this.#fail(at, source, `can't evaluate field ${name} in type interface {}`);
    }
    const object = holder as Record<string, unknown>;
    const key = memberKey(object, name);
    if (key === undefined) return this.#absent(object, name, { at, source });
    const value = object[key];
    if (typeof value === 'function') return value.call(object, ...values);
    if (values.length > 0) throw this.#fail(at, source, `${name} is not a method but has arguments`);
    return value;
  }

  #absent(holder: Record<string, unknown>, name: string, { at, source }: { at: number; source: string }): unknown {
    if (holder === this.#root && this.#env.type !== undefined) {
      throw this.#fail(at, source, `can't evaluate field ${name} in type ${this.#env.type}`);
    }
    if (!isStruct(holder)) return undefined;
    if (Object.hasOwn(OMITTED, name)) return OMITTED[name];
    throw this.#fail(at, source, `map has no entry for key ${JSON.stringify(name)}`);
  }
}

/** The fields of Docker's Go structs differ from those of its JSON in case alone: .ID and Id, .DNS and Dns. */
function memberKey(object: Record<string, unknown>, name: string): string | undefined {
  if (name in object && !(name in Object.prototype)) return name;
  if (!isStruct(object)) return undefined;
  const lower = name.toLowerCase();
  return Object.keys(object).find((key) => key.toLowerCase() === lower);
}

/** The text of an action's value: Go's %v; what a map lacks is `<no value>`. */
function printed(value: unknown, pipe: Pipe): string {
  if (value === undefined) return '<no value>';
  if (value !== null) return formatValue(value);
  const operand = pipe.commands.at(-1)?.operands[0];
  const field = operand?.kind === 'field' ? (operand.path.at(-1) ?? '') : '';
  if (NULL_LISTS.has(field)) return '[]';
  return NULL_MAPS.has(field) ? 'map[]' : '<nil>';
}
