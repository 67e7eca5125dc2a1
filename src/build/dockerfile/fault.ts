/** What is wrong with a Dockerfile, and the piece of the file it is in. */
import { WherryError } from '#base/error.ts';
import type { Place } from '#build/vertex.ts';

/** An error that a line has, in BuildKit's words. */
export class DockerfileError extends WherryError {
  /** Innermost first; each is shown by itself. A place in line 0 is known to be in no line. */
  readonly places: readonly Place[];

  constructor(message: string, places: readonly Place[] = [], options: { hint?: string; cause?: unknown } = {}) {
    super('invalid', message, options);
    this.places = places;
  }
}

export const wrong = (message: string): DockerfileError => new DockerfileError(message);

export const wrongAt = (place: Place, message: string): DockerfileError => new DockerfileError(message, [place]);

/** Runs it; an error of it gets a place more, and what `wrap` makes of its message. */
export function placed<T>(place: Place, run: () => T, wrap: (message: string) => string = (message) => message): T {
  try {
    return run();
  } catch (error) {
    throw withPlace(error, place, wrap);
  }
}

/** The error with a place more; what is no expected error is left alone. */
export function withPlace(error: unknown, place: Place, wrap = (message: string) => message): unknown {
  if (!(error instanceof WherryError)) return error;
  const known = error instanceof DockerfileError ? error.places : [];
  return withPlaces(error, [...known, place], wrap);
}

/** The error with another message; places stay. */
export function reworded(error: unknown, wrap: (message: string) => string): unknown {
  return withPlaces(error, error instanceof DockerfileError ? error.places : [], wrap);
}

/** The error with these places alone. */
export function withPlaces(error: unknown, places: readonly Place[], wrap = (message: string) => message): unknown {
  if (!(error instanceof WherryError)) return error;
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new DockerfileError(wrap(error.message), places, { ...hint, cause: error.cause ?? error });
}

const RULE = '-'.repeat(20);

/**
 * The lines around a place as buildx shows them, with the marked ones pointed at, and the file's name and line above.
 * '' where the place is in no line of the text.
 */
export function showPlace(filename: string, text: string, place: Place): string {
  const lines = text.split('\n');
  if (place.start < 1 || place.start > lines.length) return '';
  let [start, end] = [place.start, Math.min(Math.max(place.end, place.start), lines.length)];
  const wanted = start === end ? 4 : 2;
  for (let added = 0; added < wanted; added += 1) {
    if (start > 1) {
      start -= 1;
      added += 1;
    }
    if (end !== lines.length) {
      end += 1;
      added += 1;
    }
  }
  const shown = lines.slice(start - 1, end).map((line, index) => {
    const number = start + index;
    const isMarked = number >= place.start && number <= Math.max(place.end, place.start);
    return ` ${String(number).padStart(3)} | ${isMarked ? '>>>' : '   '} ${line}\n`;
  });
  return `${filename}:${place.start}\n${RULE}\n${shown.join('')}${RULE}\n`;
}
