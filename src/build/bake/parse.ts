/**
 * Reads JSON bake files: variables, functions, groups and targets, with the expressions in their texts. (buildx,
 * bake/hclparser; HCL's JSON syntax specification.) A name that several files define is joined in their order.
 */

import { WherryError } from '#base/error.ts';
import { type Entry, readEntries } from '#build/bake/entry.ts';
import { parseTemplate, type Scope } from '#build/bake/expression.ts';
import { type Definition, FIELD_NAMES, FIELDS, type FieldName, type Group, type Target } from '#build/bake/fields.ts';
import { callFunction } from '#build/bake/functions.ts';
import { mergeTargets } from '#build/bake/merge.ts';
import { asList, asMap, asText, asTruth, invalid, isMap, type Value } from '#build/bake/value.ts';
import { openVariables, type VariableBlock } from '#build/bake/variables.ts';

export interface BakeFile {
  name: string;
  text: string;
}

export interface ParseOptions {
  environment: NodeJS.ProcessEnv;
  /** BAKE_CMD_CONTEXT and its like. */
  builtIn: Readonly<Record<string, string>>;
}

/** A named part of a file, as it is written. */
interface Block {
  file: string;
  label: string;
  body: { [key: string]: Value };
}

type Blocks = Record<'variable' | 'function' | 'group' | 'target', Block[]>;

const NAME = /^[a-zA-Z0-9_-]+$/;

/** Throws kind `invalid`, with the file and the setting that is wrong. */
export function parseBake(files: readonly BakeFile[], options: ParseOptions): Definition {
  const attributes: Record<string, Value> = {};
  const blocks: Blocks = { variable: [], function: [], group: [], target: [] };
  for (const file of files) readBlocks(file, blocks, attributes);
  const { scope, variables } = openScope(blocks, attributes, options);
  const targets = new Map<string, Target>();
  const groups = new Map<string, Group>();
  for (const block of blocks.target) {
    const made = evaluateTarget(block, scope);
    for (const [name, target] of made) {
      const former = targets.get(name);
      targets.set(name, former === undefined ? target : mergeTargets(former, target));
    }
    const names = made.map(([name]) => name);
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined) throw invalid(`${block.file}: target.${block.label}: duplicate name "${twice}"`);
    if (names.length !== 1 || names[0] !== block.label) groups.set(block.label, { targets: names });
  }
  for (const block of blocks.group)
    groups.set(block.label, { ...groups.get(block.label), ...evaluateGroup(block, scope) });
  return { groups, targets, variables: variables() };
}

function readBlocks({ name, text }: BakeFile, blocks: Blocks, attributes: Record<string, Value>): void {
  const root = parseJson(name, text);
  if (!isMap(root)) {
    throw invalid(
      `${name}: Incorrect JSON value type; A JSON object is required here, setting the arguments for this block.`,
    );
  }
  for (const [key, value] of Object.entries(root)) {
    if (key === '//') continue;
    if (key in blocks) blocks[key as keyof Blocks].push(...labelled(name, key, value));
    else attributes[key] = value;
  }
}

function parseJson(name: string, text: string): Value {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WherryError('invalid', `${name}: ${(cause as Error).message}`, { cause });
  }
}

/** `{"label": body}`, a list of such, and a list of bodies for one label. */
function labelled(file: string, kind: string, value: Value): Block[] {
  return (Array.isArray(value) ? value : [value]).flatMap((part) =>
    Object.entries(located(`${file}: ${kind}`, () => asMap(part))).flatMap(([label, bodies]) => {
      if (label === '//') return [];
      if (!NAME.test(label))
        throw invalid(`${file}: Invalid name; only "[a-zA-Z0-9_-]+" are allowed (${kind} "${label}")`);
      const where = `${file}: ${kind}.${label}`;
      return (Array.isArray(bodies) ? bodies : [bodies]).map((body) => ({
        file,
        label,
        body: located(where, () => asMap(body)),
      }));
    }),
  );
}

/** Runs it; what is wrong is said with its place. */
function located<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof WherryError) || /^\S+: /.test(error.message)) throw error;
    throw new WherryError(error.kind, `${where}: ${error.message}`, { cause: error });
  }
}

/** The value of what is written: texts are templates, in lists and objects too. */
function evaluate(written: Value, scope: Scope): Value {
  if (typeof written === 'string') return parseTemplate(written)(scope);
  if (Array.isArray(written)) return written.map((item) => evaluate(item, scope));
  if (!isMap(written)) return written;
  return Object.fromEntries(
    Object.entries(written).flatMap(([key, value]) =>
      key === '//' ? [] : [[asText(evaluate(key, scope)), evaluate(value, scope)]],
    ),
  );
}

function openScope(blocks: Blocks, attributes: Record<string, Value>, options: ParseOptions) {
  const scope: Scope = {
    variable: (name) => {
      if (name === 'target' || name === 'group') return lazily(blocks[name], scope);
      return variables.value(name);
    },
    call: (name, args) => {
      const own = functions.get(name);
      return own === undefined ? callFunction(name, args) : own(args.map((arg) => arg()));
    },
  };
  const functions = new Map(blocks.function.map((block) => [block.label, userFunction(block, scope)]));
  const declared = blocks.variable.map(({ file, label, body }): VariableBlock => ({ file, name: label, body }));
  const variables = openVariables({ declared, attributes, scope, evaluate, ...options });
  return { scope, variables: variables.all };
}

/** Blocks as an object of objects, each setting of which has its value when it is asked for. */
function lazily(blocks: readonly Block[], scope: Scope): Value {
  const all: Record<string, Value> = {};
  for (const { label, body } of blocks) {
    const own = (all[label] ?? {}) as Record<string, Value>;
    for (const [key, written] of Object.entries(body)) {
      Object.defineProperty(own, key, { enumerable: true, configurable: true, get: () => evaluate(written, scope) });
    }
    all[label] = own;
  }
  return all;
}

function userFunction({ file, label, body }: Block, scope: Scope): (args: Value[]) => Value {
  const where = `${file}: function.${label}`;
  const params = located(where, () => asList(body.params ?? []).map(asText));
  const rest = body.variadic_params === undefined ? undefined : asText(body.variadic_params);
  return (args) => {
    if (args.length < params.length) throw invalid(`${where}: Not enough function arguments`);
    const own: Record<string, Value> = Object.fromEntries(params.map((name, at) => [name, args[at] ?? null]));
    if (rest !== undefined) own[rest] = args.slice(params.length);
    const variable = (name: string) => (Object.hasOwn(own, name) ? (own[name] ?? null) : scope.variable(name));
    return located(where, () => evaluate(body.result ?? null, { ...scope, variable }));
  };
}

function evaluateGroup({ file, label, body }: Block, scope: Scope): Group {
  const where = `${file}: group.${label}`;
  for (const key of ['matrix', 'name'] as const) {
    if (body[key] !== undefined) throw invalid(`${where}: ${key} is not supported for groups`);
  }
  const targets = located(`${where}.targets`, () => textsOf(evaluate(body.targets ?? [], scope)));
  const description = body.description === undefined ? {} : { description: asText(evaluate(body.description, scope)) };
  return { ...description, targets: [...new Set(targets)] };
}

/** One target, or one for each combination of its matrix, with their names. */
function evaluateTarget(block: Block, scope: Scope): [name: string, target: Target][] {
  const { file, label, body } = block;
  const where = `${file}: target.${label}`;
  if (body.matrix === undefined) {
    if (body.name !== undefined) throw invalid(`${where}: Invalid name; name requires matrix`);
    return [[label, targetOf(block, scope)]];
  }
  const matrix = located(`${where}.matrix`, () => asMap(evaluate(body.matrix ?? null, scope)));
  return combinations(where, matrix).map((own) => {
    const variable = (name: string) => (Object.hasOwn(own, name) ? (own[name] ?? null) : scope.variable(name));
    const inner: Scope = { ...scope, variable };
    const name = located(`${where}.name`, () => asText(evaluate(body.name ?? label, inner)));
    if (!NAME.test(name)) throw invalid(`${where}: Invalid name; only "[a-zA-Z0-9_-]+" are allowed`);
    return [name, targetOf(block, inner)];
  });
}

function combinations(where: string, matrix: Readonly<Record<string, Value>>): Record<string, Value>[] {
  let all: Record<string, Value>[] = [{}];
  for (const [key, values] of Object.entries(matrix)) {
    const list = Array.isArray(values) ? values : undefined;
    if (list === undefined) throw invalid(`${where}: matrix values must be a list`);
    all = list.flatMap((value) => all.map((own) => ({ ...own, [key]: value })));
  }
  return all;
}

/** Settings that nobody knows are left out, as in buildx. */
function targetOf({ file, label, body }: Block, scope: Scope): Target {
  const target: Record<string, unknown> = {};
  for (const name of FIELD_NAMES) {
    const written = body[name];
    if (written === undefined) continue;
    const value = located(`${file}: target.${label}.${name}`, () => fieldOf(name, evaluate(written, scope)));
    if (value !== undefined) target[name] = value;
  }
  return target;
}

/** A setting's value, of what a file has for it; undefined for null. */
export function fieldOf(
  name: FieldName,
  value: Value,
): string | boolean | string[] | Record<string, string> | Entry[] | undefined {
  if (value === null) return undefined;
  const { kind } = FIELDS[name];
  switch (kind) {
    case 'text':
      return asText(value);
    case 'flag':
      return asTruth(value);
    case 'texts':
      return textsOf(value);
    case 'map':
      return Object.fromEntries(
        Object.entries(asMap(value)).flatMap(([key, item]) => (item === null ? [] : [[key, asText(item)]])),
      );
    default:
      return readEntries(kind, value);
  }
}

function textsOf(value: Value): string[] {
  if (!Array.isArray(value)) throw invalid('Unsuitable value type; Unsuitable value: list of string required');
  return value.map(asText);
}
