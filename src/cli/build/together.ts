/** What a build's flags ask for that can't be done, or not together: said before anything is read. */
import type { BuildValues } from '#cli/build/request.ts';
import { checkWanted, type Wanted } from '#engine/build-wanted.ts';

/** Throws kind `invalid` and `unsupported`, in buildx's words where it has them. @returns warnings */
export function checkTogether(wanted: Wanted, { isolation, squash }: BuildValues): string[] {
  const warnings = checkWanted(wanted);
  if (squash) {
    const instead = 'You should squash inside build using a multi-stage Dockerfile for efficiency.';
    warnings.push(`experimental flag squash is removed with BuildKit. ${instead}`);
  }
  if (wanted.annotations.length > 0 && !wanted.outputs.some(handsOut)) {
    warnings.push('annotations are for registries and archives: the image in the store has none');
  }
  if (isolation) warnings.push('isolation flag is deprecated with BuildKit.');
  return warnings;
}

const handsOut = (output: Wanted['outputs'][number]) => (output.type === 'image' ? output.push : 'names' in output);
