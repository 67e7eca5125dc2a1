/** A command written as one text becomes its words, as github.com/mattn/go-shellwords does it. */
import { invalid } from '#compose/model/tree.ts';

interface State {
  words: string[];
  word: string;
  /** Is there a word, be it empty? */
  isWord: boolean;
  isEscaped: boolean;
  /** `"`, `'`, a backtick, or `(` of `$(`. */
  quote: string;
}

/**
 * Splits at white space outside of quotes. A backslash protects the next letter everywhere but in single quotes (`\t` and
 * `\n` are the characters). A bare `;`, `&`, `|`, `<` or `>` ends the command: no shell is there to read it. Throws kind
 * `invalid` for quotes that stay open.
 */
export function shellWords(line: string): string[] {
  const state: State = { words: [], word: '', isWord: false, isEscaped: false, quote: '' };
  for (const letter of line) {
    const isBare = state.quote === '' && !state.isEscaped;
    if (isBare && /[;&|<>]/.test(letter)) {
      // `2>file`: the number belongs to what is not read.
      if (letter === '>' && /^\d/.test(state.word)) state.isWord = false;
      break;
    }
    take(state, letter);
  }
  endWord(state);
  if (state.isEscaped || state.quote !== '') throw invalid('invalid command line string');
  return state.words;
}

function take(state: State, letter: string): void {
  if (state.isEscaped) {
    add(state, ESCAPES[letter] ?? letter);
    state.isEscaped = false;
  } else if (letter === '\\') {
    if (state.quote === "'") state.word += letter;
    else state.isEscaped = true;
  } else if (/[ \t\r\n]/.test(letter)) {
    if (state.quote === '') endWord(state);
    else state.word += letter;
  } else {
    takeSign(state, letter);
  }
}

const ESCAPES: Record<string, string> = { t: '\t', n: '\n' };

function add(state: State, letter: string): void {
  state.word += letter;
  state.isWord = true;
}

function endWord(state: State): void {
  if (!state.isWord) return;
  state.words.push(state.word);
  state.word = '';
  state.isWord = false;
}

/** A quote, or a letter. Quotes themselves are no part of the word; the signs of a substitution are. */
function takeSign(state: State, letter: string): void {
  const next = nextQuote(letter, state);
  const isQuote = (letter === '"' || letter === "'") && next !== state.quote;
  if (!isQuote) add(state, letter);
  else if (next === '') state.isWord = true;
  state.quote = next;
}

/** The quotes that are open after this letter. */
function nextQuote(letter: string, { quote, word }: State): string {
  if (letter === '"' || letter === "'" || letter === '`') return quote === letter ? '' : quote || letter;
  if (quote !== '' && quote !== '(') return quote;
  if (letter === '(') {
    if (quote === '' && word.endsWith('$')) return '(';
    throw invalid('invalid command line string');
  }
  if (letter !== ')') return quote;
  return quote === '(' ? '' : '(';
}
