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

export const VARIABLE = /\$(?:(\$)|([_a-z][_a-z0-9]*)|\{(?:([_a-z][_a-z0-9]*(?::?[-+?].*)?)\}|()))/gi;

type Operator = ':?' | '?' | ':-' | '-' | ':+' | '+';
const OPERATORS: readonly Operator[] = [':?', '?', ':-', '-', ':+', '+'];

/**
 * The text with its variables' values. warn is told of those that are not set. Throws TemplateError for `${` without
 * a name, and for `?` without a value.
 */
export function substitute(template: string, lookup: Lookup, warn?: (text: string) => void): string {
  if (!template.includes('$')) return template;
  return template.replace(VARIABLE, (match) => {
    const [, escaped, named, braced] = new RegExp(VARIABLE.source, 'i').exec(match.slice(0, firstEnd(match))) ?? [];
    if (escaped) return escaped;
    if (braced) {
      const value = withOperator(braced, operatorOf(match), lookup, warn);
      if (value !== undefined) return value + substitute(match.slice(firstEnd(match)), lookup, warn);
    }
    const name = named || braced;
    if (!name) throw new TemplateError('Invalid template', template);
    const value = lookup(name);
    if (value === undefined) warn?.(`The ${JSON.stringify(name)} variable is not set. Defaulting to a blank string.`);
    return value ?? '';
  });
}

/** Where the first variable ends: the pattern is greedy, so there may be more behind the brace that closes it. */
const firstEnd = (match: string): number => closingBrace(match) + 1 || match.length;

/** The operator that comes first. */
function operatorOf(text: string): Operator {
  let [found, at]: [Operator, number] = [':?', Number.POSITIVE_INFINITY];
  for (const operator of OPERATORS) {
    const index = text.indexOf(operator);
    if (index >= 0 && index < at) [found, at] = [operator, index];
  }
  return found;
}

/** Of `NAME:-default` and its like; undefined where the operator isn't there. */
function withOperator(
  text: string,
  operator: Operator,
  lookup: Lookup,
  warn: ((text: string) => void) | undefined,
): string | undefined {
  const at = text.indexOf(operator);
  if (at < 0) return undefined;
  const name = text.slice(0, at);
  const word = substitute(text.slice(at + operator.length), lookup, warn);
  const value = lookup(name);
  const isSet = value !== undefined && (operator.length === 1 || value !== '');
  if (operator.endsWith('+')) return isSet ? word : (value ?? '');
  if (operator.endsWith('-')) return isSet ? value : word;
  if (isSet) return value;
  throw new TemplateError(`required variable ${name} is missing a value${word === '' ? '' : `: ${word}`}`);
}

/** Where the first brace is closed; compose skips the letter after an opening one. */
export function closingBrace(text: string): number {
  let open = 0;
  for (let at = 0; at < text.length; at += 1) {
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
