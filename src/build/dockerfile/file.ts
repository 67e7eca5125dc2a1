/** A Dockerfile read to its end: arguments before the first FROM, and stages with their instructions. */

import { WherryError } from '#base/error.ts';
import { checkCasing, checkDescriptions, checkLine, checkStageNames } from '#build/dockerfile/checks.ts';
import { findDirective } from '#build/dockerfile/directives.ts';
import { reworded, wrong, wrongAt } from '#build/dockerfile/fault.ts';
import { type Instruction, type InstructionOf, readInstruction } from '#build/dockerfile/instructions.ts';
import { type Linter, startLinter } from '#build/dockerfile/lint.ts';
import { parseDockerfile } from '#build/dockerfile/parse.ts';
import type { PlanRequest } from '#build/dockerfile/request.ts';
import type { LintWarning } from '#build/vertex.ts';

export interface StageText {
  from: InstructionOf<'from'>;
  instructions: Instruction[];
}

export interface DockerfileText {
  /** What escapes. */
  token: string;
  globals: InstructionOf<'arg'>[];
  stages: StageText[];
  linter: Linter;
}

/** Throws DockerfileError in BuildKit's words. */
export function readDockerfile(
  request: Pick<PlanRequest, 'text' | 'buildArgs'>,
  warnings: LintWarning[],
): DockerfileText {
  const { text, buildArgs } = request;
  if (text === '') throw wrong('the Dockerfile cannot be empty');
  checkSyntax(buildArgs.BUILDKIT_SYNTAX ?? findDirective(text, 'syntax'));
  const { lines, token, emptyContinuations } = parseDockerfile(text);
  const check = findDirective(text, 'check');
  const linter = startLinter(buildArgs.BUILDKIT_DOCKERFILE_CHECK ?? check?.split(' ', 1)[0], warnings);
  for (const place of emptyContinuations) linter.note('NoEmptyContinuation', place, 'Empty continuation line');
  const file: DockerfileText = { token, globals: [], stages: [], linter };
  for (const line of lines) {
    checkLine(line, linter);
    let instruction: Instruction;
    try {
      instruction = readInstruction(line);
    } catch (error) {
      throw inLine(error, line.place.start);
    }
    checkDescriptions(instruction, linter);
    addInstruction(file, instruction);
  }
  if (file.stages.length === 0) throw wrong('dockerfile contains no stages to build');
  const { stages } = file;
  checkStageNames(
    stages.map(({ from }) => from),
    linter,
  );
  checkCasing(
    stages.flatMap(({ from, instructions }) => [from, ...instructions]),
    linter,
  );
  return file;
}

function addInstruction({ stages, globals }: DockerfileText, instruction: Instruction): void {
  if (instruction.kind === 'from') {
    stages.push({ from: instruction, instructions: [] });
    return;
  }
  const stage = stages.at(-1);
  if (stage !== undefined) stage.instructions.push(instruction);
  else if (instruction.kind === 'arg') globals.push(instruction);
  else throw wrongAt(instruction.place, 'no build stage in current context');
}

/** The message names the line too. */
function inLine(error: unknown, line: number): unknown {
  return reworded(error, (message) => `dockerfile parse error on line ${line}: ${message}`);
}

/** Frontends that read what this one reads. */
const KNOWN = /^(?:docker\.io\/|registry-1\.docker\.io\/)?(?:docker\/dockerfile(?:-upstream)?)(?:[:@]|$)/;

/** `# syntax=`: images that are the reference's language are this one; others would have to be run. */
function checkSyntax(syntax: string | undefined): void {
  const [image = ''] = (syntax ?? '').trim().split(' ');
  if (image === '' || KNOWN.test(image)) return;
  throw new WherryError(
    'unsupported',
    `Dockerfile syntax "${image}": frontends other than docker/dockerfile can't be run`,
    {
      hint: 'Take the line "# syntax=" out of the Dockerfile, or name docker/dockerfile:1',
    },
  );
}
