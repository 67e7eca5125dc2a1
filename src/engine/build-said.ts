/** What a step says, passed on: where the kernel has refused its program, the runtime's word of that in runc's form. */
import type { Scope } from '#build/solve/means.ts';
import { REFUSED, refusedByKernel } from '#container/refusal.ts';

/** crun's own status where it could not start the program. */
const FAILED = 1;

export interface StepSaid {
  take(stream: 1 | 2, data: Buffer): void;
  /** When all is taken. Gives the step's status, which is runc's where the program was refused. */
  end(status: number): number;
}

/**
 * A program that was refused says nothing, so the runtime's word is all there is. A step may say the same, of a container in
 * it: the word is held until it is known who has spoken, and goes on as it is where more follows or the status is another.
 */
export function stepSaid(log: Scope['log']): StepSaid {
  let hasSaid = false;
  let held: Buffer | undefined;
  const release = () => {
    if (held !== undefined) log(2, held);
    held = undefined;
  };
  return {
    take(stream, data) {
      release();
      if (!hasSaid && stream === 2 && refusalIn(data) !== undefined) held = data;
      else log(stream, data);
      hasSaid = true;
    },
    end(status) {
      const refused = held === undefined || status !== FAILED ? undefined : refusalIn(held);
      if (refused !== undefined) held = Buffer.from(`${refused}\n`);
      release();
      return refused === undefined ? status : REFUSED;
    },
  };
}

/** The refusal in runc's words, where that one object of JSON is all there is. */
function refusalIn(data: Buffer): string | undefined {
  const text = data.toString();
  const refused = refusedByKernel(text);
  if (refused === undefined) return undefined;
  try {
    JSON.parse(text);
    return refused;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
