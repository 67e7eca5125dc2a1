/**
 * Variables of bake files: those that the environment may set (`variable` blocks), and plain settings at the top. Each has its
 * value when it is first asked for.
 */
import { csv } from '#base/csv.ts';
import { WherryError } from '#base/error.ts';
import type { Scope } from '#build/bake/expression.ts';
import type { Variable } from '#build/bake/fields.ts';
import { asMap, asNumber, asText, asTruth, invalid, isList, type Value } from '#build/bake/value.ts';

export interface VariableBlock {
  file: string;
  name: string;
  body: { [key: string]: Value };
}

export interface VariablesOptions {
  declared: readonly VariableBlock[];
  attributes: Readonly<Record<string, Value>>;
  scope: Scope;
  evaluate: (written: Value, scope: Scope) => Value;
  environment: NodeJS.ProcessEnv;
  builtIn: Readonly<Record<string, string>>;
}

export interface Variables {
  /** Throws kind `invalid` for a name that is none, and for one that is about itself. */
  value(name: string): Value;
  /** All that the environment may set, by name; throws for one whose validation does not hold. */
  all(): Variable[];
}

export function openVariables(options: VariablesOptions): Variables {
  const { declared, attributes, scope, evaluate, environment, builtIn } = options;
  const blocks = new Map<string, VariableBlock>();
  for (const block of declared) {
    blocks.set(block.name, { ...block, body: { ...blocks.get(block.name)?.body, ...block.body } });
  }
  const known = new Map<string, Value>(Object.entries(builtIn));
  const asked = new Set<string>();
  const value = (name: string): Value => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const block = blocks.get(name);
    if (block === undefined && !Object.hasOwn(attributes, name)) {
      throw invalid(`Unknown variable; There is no variable named "${name}".`);
    }
    if (asked.has(name)) throw invalid(`Invalid expression; variable cycle not allowed for ${name}`);
    asked.add(name);
    const written = Object.hasOwn(attributes, name) ? attributes[name] : block?.body.default;
    const own = written === undefined ? undefined : evaluate(written, scope);
    const made = block === undefined ? (own ?? null) : chosen(block, own, overriding(name, { environment, blocks }));
    known.set(name, made);
    return made;
  };
  const all = () =>
    [...blocks.values()]
      .sort((one, other) => (one.name < other.name ? -1 : 1))
      .map((block) => {
        const made = value(block.name);
        validate(block, options);
        return listed(block, made);
      });
  return { value, all };
}

interface Override {
  text: string;
  isJson: boolean;
}

/** NAME of the environment, and NAME_JSON where nothing else is called so. */
function overriding(
  name: string,
  { environment, blocks }: { environment: NodeJS.ProcessEnv; blocks: ReadonlyMap<string, VariableBlock> },
): Override | undefined {
  const [text, json] = [environment[name], blocks.has(`${name}_JSON`) ? undefined : environment[`${name}_JSON`]];
  const isTyped = blocks.get(name)?.body.type !== undefined;
  if (json !== undefined && (isTyped || text === undefined)) return { text: json, isJson: true };
  return text === undefined ? undefined : { text, isJson: false };
}

function chosen({ file, name, body }: VariableBlock, own: Value | undefined, override: Override | undefined): Value {
  const type =
    body.type === undefined
      ? undefined
      : asText(body.type)
          .replace(/^\$\{(.*)\}$/, '$1')
          .trim();
  try {
    if (override === undefined) {
      if (own === undefined) return type === undefined ? '' : null;
      return type === undefined ? own : converted(type, own);
    }
    if (type !== undefined) return typed(name, type, override);
    return own === undefined || own === null ? override.text : like(name, own, override.text);
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    throw new WherryError('invalid', `${file}: variable.${name}: ${error.message}`, { cause: error });
  }
}

function typed(name: string, type: string, { text, isJson }: Override): Value {
  if (isJson) return converted(type, parsed(name, text));
  if (/^(list|set|tuple)\(/.test(type)) return converted(type, csv(text));
  if (['string', 'number', 'bool', 'any'].includes(type)) return converted(type, text);
  throw invalid(`unsupported type ${type} for variable ${name}`, `Give it as JSON: ${name}_JSON='…'`);
}

function parsed(name: string, text: string): Value {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WherryError('invalid', `failed to convert variable ${name} from JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** A value as its type has it; objects are taken as they are. */
function converted(type: string, value: Value): Value {
  if (value === null) return null;
  if (type === 'string') return asText(value);
  if (type === 'number') return asNumber(value);
  if (type === 'bool') return asTruth(value);
  const inner = /^(list|set|map)\((.*)\)$/.exec(type);
  if (inner === null) return value;
  const [, kind, item = 'any'] = inner;
  if (kind === 'map') {
    return Object.fromEntries(Object.entries(asMap(value)).map(([key, one]) => [key, converted(item, one)]));
  }
  if (!isList(value)) throw invalid(`invalid type ${type}: a list is required`);
  return value.map((one) => converted(item, one));
}

/** The environment's text, as the default's type asks for. */
function like(name: string, own: Value, text: string): Value {
  if (typeof own === 'string') return text;
  if (typeof own === 'number') return asNumber(text);
  if (typeof own === 'boolean') return asTruth(text);
  throw invalid(
    `unsupported type ${isList(own) ? 'tuple' : 'object'} for variable ${name}`,
    'Give it a type: "list(string)"',
  );
}

function validate({ file, name, body }: VariableBlock, { scope, evaluate }: VariablesOptions): void {
  const rules = body.validation === undefined ? [] : [body.validation].flat();
  for (const rule of rules) {
    const { condition = true, error_message: message = '' } = asMap(rule);
    if (asTruth(evaluate(condition, scope))) continue;
    const said = asText(evaluate(message, scope)) || 'This check failed, but has an invalid error message.';
    throw invalid(`${file}: variable.${name}: Validation failed; ${said}`);
  }
}

function listed({ body, name }: VariableBlock, value: Value): Variable {
  const description = body.description === undefined ? {} : { description: asText(body.description) };
  const type = body.type === undefined ? {} : { type: spoken(asText(body.type)) };
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return { name, ...description, ...type, ...(value === null ? {} : { value: text }) };
}

/** `list(string)` is a `list of string`, as HCL says it. */
function spoken(type: string): string {
  const [, outer, inner = ''] = /^(list|set|map)\((.*)\)$/.exec(type) ?? [];
  return outer === undefined ? type : `${outer} of ${spoken(inner)}`;
}
