/** Who is told what happens while a project is read. */
export interface Told {
  /** What compose warns of. */
  warn: (text: string) => void;
  /**
   * All that is read, or looked for, whether it is there or not: absolute paths, `-` for standard input, the addresses of what
   * is elsewhere.
   */
  look?: (path: string) => void;
}
