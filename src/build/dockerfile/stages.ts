/** The stages of a file, with variables of FROM put in, and contexts that stand in for them. */
import { WherryError } from '#base/error.ts';
import { checkFromPlatform, type FromWords, undeclaredInFrom } from '#build/dockerfile/checks.ts';
import { DockerfileError, placed, reworded, withPlace, wrong, wrongAt } from '#build/dockerfile/fault.ts';
import type { DockerfileText, StageText } from '#build/dockerfile/file.ts';
import type { Globals } from '#build/dockerfile/globals.ts';
import type { InstructionOf } from '#build/dockerfile/instructions.ts';
import { allOf } from '#build/dockerfile/naming.ts';
import { newNotes } from '#build/dockerfile/outline.ts';
import { addStage, newStage, type Stage, type Stages } from '#build/dockerfile/stage.ts';
import type { Scope } from '#build/dockerfile/step.ts';
import { closest } from '#build/dockerfile/text.ts';
import { type Lexed, lex } from '#build/dockerfile/words.ts';
import type { Platform } from '#oci/manifest.ts';
import { normalize, parsePlatform } from '#oci/platform.ts';
import { familiar, parseReference } from '#oci/reference.ts';

/** Throws DockerfileError, with the FROM's place. */
export function makeStages(scope: Scope, file: DockerfileText, globals: Globals): Stages {
  checkDefaults(scope, file, globals);
  const stages: Stages = { all: [], byName: new Map(), platform: scope.platform };
  for (const [index, text] of file.stages.entries()) {
    const stage = makeStage(scope, text, { index, globals });
    const { used } = stage.notes;
    addStage(stages, stage);
    if (stage.context !== undefined) continue;
    for (const name of used) stage.notes.used.add(name);
    const steps = text.instructions.filter(({ kind }) => STEPS.has(kind)).length;
    stage.steps.total = steps + (stage.base !== 'scratch' && stage.baseStage === undefined ? 1 : 0);
  }
  return stages;
}

/** Instructions that are counted. */
const STEPS = new Set(['add', 'copy', 'run', 'workdir']);

/** Would the file do without a --build-arg? */
function checkDefaults({ token, linter }: Scope, file: DockerfileText, { defaults }: Globals): void {
  if (defaults === undefined) return;
  for (const { from } of file.stages) {
    const base = orNothing(() => lex(from.base, defaults, { token }).text);
    if (base === undefined) return;
    if (orNothing(() => parseReference(base)) !== undefined) continue;
    const detail = `Default value for ARG ${from.base} results in empty or invalid base image name`;
    linter.note('InvalidDefaultArgInFrom', from.place, detail);
  }
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof WherryError) return undefined;
    throw error;
  }
}

interface About {
  index: number;
  globals: Globals;
}

function makeStage(
  scope: Scope,
  { from, instructions }: StageText,
  { index, globals: { declared, notes } }: About,
): Stage {
  const { request, token, globals } = scope;
  const { as, place, comments, code } = from;
  const linter = scope.linter.under(comments);
  const words = { place, linter, globals, declared };
  const lexed = placed(place, () => lexFrom(from.base, token, words));
  if (lexed.text === '') throw wrongAt(place, `base name (${from.base}) should not be blank`);
  const used = new Set(lexed.matched);
  const platform = from.platform === '' ? undefined : platformOf(scope, from, { declared, used });
  const context = as === '' ? undefined : namedContext(scope, as, platform);
  const noCache = Array.isArray(request.noCache) ? request.noCache : undefined;
  return newStage(
    {
      base: lexed.text,
      place,
      comments,
      code,
      instructions,
      name: as,
      description: from.description,
      notes: { ...newNotes(), args: new Map(notes), used },
      label: as === '' && context === undefined ? `stage-${index}` : as,
      ignoreCache: noCache?.some((name) => name.toLowerCase() === as) ?? request.noCache === true,
      ...(platform === undefined ? {} : { platform }),
      ...(context === undefined ? {} : { context }),
    },
    scope.platform,
  );
}

/** A word of FROM; variables that no ARG has named are noted also when it is wrong. */
function lexFrom(word: string, token: string, words: Omit<FromWords, 'unmatched'>): Lexed {
  const unmatched = new Set<string>();
  try {
    return lex(word, words.globals, { token, unmatched });
  } finally {
    undeclaredInFrom({ ...words, unmatched });
  }
}

interface Named {
  declared: readonly string[];
  /** Those that were used are put here. */
  used: Set<string>;
}

function platformOf(scope: Scope, from: InstructionOf<'from'>, { declared, used }: Named): Platform {
  const { token, globals } = scope;
  const { place, platform: written, as, comments } = from;
  const linter = scope.linter.under(comments);
  const lexed = placed(
    place,
    () => lexFrom(written, token, { place, linter, globals, declared }),
    (why) => `failed to process arguments for platform : ${why}`,
  );
  const words = { lexed, place, linter, globals };
  for (const name of lexed.matched) used.add(name);
  checkFromPlatform(written, as, words);
  const suggest = (message: string) => message + suggestionFor(lexed, globals.keys());
  if (lexed.text === '') throw new DockerfileError(suggest(`empty platform value from expression ${written}`), [place]);
  try {
    return parsePlatform(lexed.text);
  } catch (error) {
    const located = reworded(withPlace(error, place), (why) => `failed to parse platform ${written}: ${suggest(why)}`);
    throw withPlace(located, place);
  }
}

function suggestionFor({ unmatched }: Lexed, names: readonly string[]): string {
  for (const name of unmatched) {
    const match = closest(name, names, true);
    if (match !== undefined) return ` (did you mean ${match}?)`;
  }
  return '';
}

/** What `--build-context` puts in the place of a name. */
export function namedContext(scope: Scope, name: string, platform: Platform | undefined): Stage['context'] {
  const lower = name.toLowerCase();
  if (lower === 'scratch' || lower === 'context') return undefined;
  const { contexts } = scope.request;
  if (Object.keys(contexts).length === 0) return undefined;
  const reference = orNothing(() => familiar(parseReference(name)));
  if (reference === undefined) throw wrong(`invalid context name ${name}: invalid reference format`);
  const key = reference.replace(/:latest$/, '');
  const special = `${key}::${allOf(normalize(platform ?? scope.platform))}`;
  for (const known of [special, key]) {
    const value = Object.hasOwn(contexts, known) ? contexts[known] : undefined;
    if (value !== undefined) return { name: known, value };
  }
  return undefined;
}
