/** podman's exists: says nothing, and by its exit status whether something is there: 0, 1, or 125 where that is unclear. */
import { WherryError } from '#base/error.ts';
import type { Definition } from '#cli/command.ts';

/** What all of them have. */
export const EXISTS = { flags: {}, misuseStatus: 125 } as const satisfies Partial<Definition>;

/** look: finds it, or gives undefined, or throws kind `not-found`. */
export async function exists(look: () => unknown): Promise<number> {
  try {
    return (await look()) === undefined ? 1 : 0;
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    if (error.kind === 'not-found') return 1;
    throw new WherryError(error.kind, error.message, { cause: error, exitCode: 125 });
  }
}
