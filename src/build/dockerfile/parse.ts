/**
 * Dockerfile text as instructions with their arguments, each still text, as BuildKit's parser reads it
 * (frontend/dockerfile/parser). Pure.
 */

import { type Arguments, readArguments } from '#build/dockerfile/arguments.ts';
import { type Directives, readDirective, startDirectives } from '#build/dockerfile/directives.ts';
import { placed, wrongAt } from '#build/dockerfile/fault.ts';
import { type Heredoc, heredocsOf } from '#build/dockerfile/heredoc.ts';
import { type LineReader, lineReader } from '#build/dockerfile/lines.ts';
import { trim, trimStart } from '#build/dockerfile/text.ts';
import type { Place } from '#build/vertex.ts';

/** An instruction as it stands there. */
export interface Line extends Arguments {
  /** As it is written. */
  name: string;
  /** `--from=x` … before the arguments, quotes taken off. */
  flags: string[];
  /** The whole line, continuations joined. */
  original: string;
  heredocs: (Heredoc & { content: string })[];
  place: Place;
  /** The comments right above, without their signs. */
  comments: string[];
}

export interface Parsed {
  lines: Line[];
  /** What escapes a character and continues a line: a backslash, or what `# escape=` says. */
  token: string;
  /** Where lines without anything continue an instruction. */
  emptyContinuations: Place[];
}

interface Parser {
  reader: LineReader;
  directives: Directives;
  comments: string[];
  parsed: Line[];
  emptyContinuations: Place[];
}

/** Throws DockerfileError in BuildKit's words. */
export function parseDockerfile(text: string): Parsed {
  const parser: Parser = {
    reader: lineReader(text.startsWith('\ufeff') ? text.slice(1) : text),
    directives: startDirectives(),
    comments: [],
    parsed: [],
    emptyContinuations: [],
  };
  for (let raw = parser.reader.next(); raw !== undefined; raw = parser.reader.next()) readInstruction(parser, raw);
  const { reader, parsed: lines, directives, emptyContinuations } = parser;
  const end = { start: reader.line(), end: reader.line() };
  if (lines.length === 0) throw wrongAt(end, 'file with no instructions');
  placed(end, () => reader.check());
  return { lines, token: directives.token, emptyContinuations };
}

/** A comment, an empty line, or an instruction with all its lines. */
function readInstruction(parser: Parser, raw: string): void {
  const { reader, directives } = parser;
  const start = reader.line();
  if (isComment(raw)) noteComment(parser, raw);
  const text = trimStart(raw.replace(NEWLINE, ''));
  // The line is counted after its directive is read: that has the number before.
  const isDirective = placed({ start: start - 1, end: start - 1 }, () => readDirective(directives, text));
  if (isDirective) parser.comments.pop();
  const first = trimContinuation(isComment(text) ? '' : text, directives);
  if (!first.continues && first.text === '') return;
  const line = first.text + (first.continues ? readContinuation(parser) : '');
  const place = () => ({ start, end: reader.line() });
  const instruction = placed(place(), () => instructionOf(line, directives.token));
  const heredocs = takesHeredocs(instruction) ? readHeredocs(parser, line, start) : [];
  parser.parsed.push({ ...instruction, heredocs, place: place(), comments: parser.comments });
  parser.comments = [];
}

const NEWLINE = /[\r\n]+$/;

function isComment(line: string): boolean {
  return trimStart(line).startsWith('#');
}

/** An empty one parts what is above from what follows. */
function noteComment(parser: Parser, raw: string): void {
  const comment = trim(raw.slice(1));
  if (comment === '') parser.comments = [];
  else parser.comments.push(comment);
}

/** The lines that continue one; comments and empty lines between them are left out. */
function readContinuation({ reader, directives, emptyContinuations }: Parser): string {
  const parts: string[] = [];
  let hasEmpty = false;
  for (let continues = true; continues; ) {
    const raw = reader.next();
    if (raw === undefined) break;
    if (isComment(raw)) continue;
    const line = raw.replace(NEWLINE, '');
    if (trimStart(line) === '') {
      hasEmpty = true;
      continue;
    }
    const trimmed = trimContinuation(line, directives);
    parts.push(trimmed.text);
    continues = trimmed.continues;
  }
  if (hasEmpty) emptyContinuations.push({ start: reader.line(), end: reader.line() });
  return parts.join('');
}

/** The text without the sign at its end that says that the next line belongs to it; a doubled sign says nothing. */
function trimContinuation(line: string, { token }: Directives): { text: string; continues: boolean } {
  let end = line.length;
  while (line[end - 1] === ' ' || line[end - 1] === '\t') end -= 1;
  const continues = line[end - 1] === token && line[end - 2] !== token;
  return { text: continues ? line.slice(0, end - 1) : line, continues };
}

const SPACES = /[\t\v\f\r ]+/;

type Instruction = Omit<Line, 'heredocs' | 'place' | 'comments'>;

function instructionOf(original: string, token: string): Instruction {
  const line = trim(original);
  const space = SPACES.exec(line);
  const name = line.slice(0, space?.index ?? line.length);
  const after = space === null ? '' : line.slice(space.index + space[0].length);
  const { flags, rest } = readFlags(after, token);
  const about = { token, inside: (text: string) => instructionOf(text, token) };
  return { name, flags, original, ...readArguments(name, trim(rest), about) };
}

/** The words at the beginning that start with `--`; `--` alone ends them. */
function readFlags(text: string, token: string): { flags: string[]; rest: string } {
  const flags: string[] = [];
  let rest = trimStart(text);
  while (rest.startsWith('--')) {
    const { word, length } = readFlag(rest, token);
    rest = rest.slice(length);
    if (word === '--') break;
    if (word !== '') flags.push(word);
    rest = trimStart(rest);
  }
  return { flags, rest };
}

/** A word without its quotes and escapes, and how much of the text it takes. */
function readFlag(text: string, token: string): { word: string; length: number } {
  let word = '';
  let quoted = '';
  let at = 0;
  for (; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (quoted === '' && SPACES.test(char)) break;
    if (char === quoted) quoted = '';
    else if (quoted === '' && (char === '"' || char === "'")) quoted = char;
    else if (char === token) {
      at += 1;
      word += text[at] ?? '';
    } else word += char;
  }
  return { word, length: Math.min(at, text.length) };
}

const WITH_HEREDOCS = new Set(['add', 'copy', 'run']);

function takesHeredocs(instruction: Instruction): boolean {
  const inner = instruction.name.toLowerCase() === 'onbuild' ? instruction.inside : undefined;
  const { name, json } = inner ?? instruction;
  return WITH_HEREDOCS.has(name.toLowerCase()) && !json && instruction.original.includes('<<');
}

function readHeredocs({ reader }: Parser, line: string, start: number): Line['heredocs'] {
  const heredocs = placed({ start, end: reader.line() }, () => heredocsOf(line));
  return heredocs.map((heredoc) => ({ ...heredoc, content: readContent(reader, heredoc, start) }));
}

function readContent(reader: LineReader, { name, chomp }: Heredoc, start: number): string {
  const content: string[] = [];
  for (let raw = reader.next(); raw !== undefined; raw = reader.next()) {
    const line = raw.replace(NEWLINE, '');
    if ((chomp ? line.replace(/^\t+/, '') : line) === name) return content.join('');
    content.push(raw);
  }
  throw wrongAt({ start, end: reader.line() }, 'unterminated heredoc');
}
