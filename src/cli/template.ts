/**
 * --format: Go templates (text/template) over data with Go's types, with the functions of Docker
 * (docs.docker.com/engine/cli/formatting).
 */
import { WherryError } from '#base/error.ts';
import { quote } from '#base/go-quote.ts';
import { anyValue, rowType, type Value } from '#cli/gotypes.ts';
import { type Functions, STANDARD } from '#cli/template-functions.ts';
import { TemplateSyntaxError } from '#cli/template-lex.ts';
import { parseTemplate } from '#cli/template-parse.ts';
import { TemplateError, TemplateRun } from '#cli/template-run.ts';

export interface TemplateOptions {
  /** Stands in Go's messages; empty for most commands. */
  name?: string;
  /** What comes before Go's message when the text can't be read, and the exit status then. */
  parsePrefix?: string;
  parseStatus?: number;
  /** What comes before Go's message when the data don't fit. */
  runPrefix?: string;
  /** The Go type that a row has: `*formatter.ContainerContext`. */
  type?: string;
  /** Functions beside or instead of the standard ones. */
  functions?: Functions;
}

/** Renders one thing after the other, as often as wanted, without a line feed at the end. */
export type Render = (data: unknown) => string;

/**
 * Reads a template once; the result renders data whose shape nobody wrote down.
 * Both throw kind `invalid` with Go's message.
 */
export function compileTemplate(text: string, options: TemplateOptions = {}): Render {
  const render = compileTyped(text, options);
  const type = options.type === undefined ? undefined : rowType(options.type);
  return (data) => render(type === undefined ? anyValue(data) : { type, data });
}

/** How a map's missing key is taken: as nothing, or as a mistake. */
export interface RenderOptions {
  strict?: boolean;
}

/** The same for values with their types. */
export function compileTyped(
  text: string,
  options: TemplateOptions = {},
): (value: Value, render?: RenderOptions) => string {
  const { name = '', parsePrefix = 'template parsing error: ', parseStatus = 64, runPrefix = parsePrefix } = options;
  const functions: Functions = options.functions === undefined ? STANDARD : { ...STANDARD, ...options.functions };
  try {
    const { body, definitions } = parseTemplate(text, new Set(Object.keys(functions)));
    return (value, { strict = false } = {}) => {
      try {
        return new TemplateRun({ definitions, functions, text, strict }, name).render(body, value);
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
        const { line, column, template, source, message } = error;
        const at = `template: ${name}:${line}:${column}: executing ${quote(template)} at <${source}>`;
        throw new WherryError('invalid', `${runPrefix}${at}: ${message}`, { cause: error });
      }
    };
  } catch (error) {
    if (error instanceof RangeError)
      throw new WherryError('invalid', `${parsePrefix}template: ${name}: nested too deeply`);
    if (!(error instanceof TemplateSyntaxError)) throw error;
    throw new WherryError('invalid', `${parsePrefix}template: ${name}:${error.line}: ${error.message}`, {
      exitCode: parseStatus,
      cause: error,
    });
  }
}
