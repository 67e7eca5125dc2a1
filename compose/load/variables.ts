/** Which variables a file names, and what it says about each (template.ExtractVariables). */
import { closingBrace } from '#compose/load/template.ts';
import { isMap, type Tree } from '#compose/model/tree.ts';

const VARIABLE = /\$(?:(\$)|([_a-z][_a-z0-9]*)|\{(?:([_a-z][_a-z0-9]*(?::?[-+?].*)?)\}|()))/gi;

export interface Variable {
  name: string;
  /** Of `:-` and `-`. */
  defaultValue: string;
  /** Of `:+` and `+`. */
  presenceValue: string;
  /** By `:?` and `?`. */
  required: boolean;
}

/** Every variable of a tree that was not interpolated, by name; what a text later says of one counts. */
export function variablesOf(tree: Tree, found = new Map<string, Variable>()): Map<string, Variable> {
  if (typeof tree === 'string') for (const variable of inText(tree)) found.set(variable.name, variable);
  else if (Array.isArray(tree)) for (const item of tree) variablesOf(item, found);
  else if (isMap(tree)) for (const item of Object.values(tree)) variablesOf(item, found);
  return found;
}

function inText(text: string): Variable[] {
  return [...text.matchAll(VARIABLE)].flatMap(([match, escaped, named, braced]) => {
    if (escaped) return [];
    const end = named ? -1 : closingBrace(match);
    // The pattern is greedy: behind the brace that closes the first variable there may be more.
    const after = end > 0 ? inText(match.slice(end + 1)) : [];
    return [...after, ...read(named || (end > 0 ? match.slice(2, end) : (braced ?? '')))];
  });
}

/** `NAME`, or `NAME:-default` and its like, whose word may name others. */
function read(text: string): Variable[] {
  const [, name = '', operator = '', word = ''] = /^([a-zA-Z0-9_]*)(:?[-+?])?([\s\S]*)$/.exec(text) ?? [];
  const defaultValue = operator.endsWith('-') ? word : '';
  const presenceValue = operator.endsWith('+') ? word : '';
  const variable = { name, defaultValue, presenceValue, required: operator.endsWith('?') };
  return [variable, ...inText(defaultValue), ...inText(presenceValue)];
}
