/** Text that comes in pieces, line by line. */
export interface LineSplitter {
  add(piece: string): void;
  /** Nothing more comes: what is begun is a line as well. */
  end(): void;
}

/** Hands on each line when it is whole, without its line feed. */
export function splitLines(take: (line: string) => void): LineSplitter {
  let begun = '';
  return {
    add: (piece) => {
      const lines = (begun + piece).split('\n');
      begun = lines.pop() ?? '';
      for (const line of lines) take(line);
    },
    end: () => {
      if (begun !== '') take(begun);
      begun = '';
    },
  };
}
