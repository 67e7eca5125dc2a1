/** `<<EOF`, `<<-EOF`, `<<"EOF"`: files that stand in the Dockerfile. */

import { WherryError } from '#base/error.ts';
import { wrong } from '#build/dockerfile/fault.ts';
import { lex, NO_VARIABLES } from '#build/dockerfile/words.ts';

export interface Heredoc {
  /** The word that ends it. */
  name: string;
  /** Variables in it are put in: the name is not quoted. */
  expand: boolean;
  /** `<<-`: tabs at the beginning of lines go. */
  chomp: boolean;
}

/** A word that is a heredoc; undefined for one that is none. Throws kind `invalid`. */
function parseHeredoc(word: string): Heredoc | undefined {
  const [, , dash, rest = ''] = /^(\d*)<<(-?)\s*([^<]*)$/.exec(word) ?? [];
  if (rest === '') return undefined;
  const { words } = lex(rest, NO_VARIABLES, { skipUnset: true });
  const [name] = words;
  if (name === undefined || words.length !== 1) return undefined;
  const raw = lex(rest, NO_VARIABLES, { skipUnset: true, rawQuotes: true }).words;
  if (raw.length !== 1) throw wrong(`internal lexing of heredoc produced inconsistent results: ${rest}`);
  return { name, expand: quotes(name) === quotes(raw[0] ?? ''), chomp: dash === '-' };
}

const quotes = (text: string) => text.split(/['"]/).length;

/** parseHeredoc() of what is refused elsewhere when it is wrong. */
export function heredocOf(word: string): Heredoc | undefined {
  try {
    return parseHeredoc(word);
  } catch (error) {
    if (error instanceof WherryError) return undefined;
    throw error;
  }
}

/** Those of a line, whose quotes need not match. */
export function heredocsOf(line: string): Heredoc[] {
  return wordsOf(line).flatMap((word) => parseHeredoc(word) ?? []);
}

function wordsOf(line: string): string[] {
  try {
    return lex(line, NO_VARIABLES, { rawQuotes: true, rawEscapes: true, skipUnset: true }).words;
  } catch (error) {
    if (error instanceof WherryError) return [];
    throw error;
  }
}

export function chompContent(content: string): string {
  return content.replace(/^\t+/gm, '');
}
