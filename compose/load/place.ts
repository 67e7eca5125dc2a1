/** What is wrong with a value of a file, and at which path: who knows the file turns it into the user's error. */
export class Misplaced extends Error {
  readonly path: readonly string[];
  constructor(path: readonly string[], message: string) {
    super(message);
    this.path = path;
  }
}
