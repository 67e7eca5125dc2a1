/** What changes in one go is one batch: an editor writes several files, git a thousand. */

/** docker compose's (pkg/watch/debounce.go), milliseconds: so long nothing must have happened. */
const QUIET = 500;

export interface Batches {
  add(path: string): void;
  /** Each batch, its paths once, until it is aborted. What comes while one is worked on is in the next. */
  read(): AsyncGenerator<string[], void, void>;
}

export function batches(abort: AbortSignal, quiet: number = QUIET): Batches {
  const paths = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let isQuiet = false;
  let wake: () => void = () => undefined;
  abort.addEventListener('abort', () => {
    clearTimeout(timer);
    wake();
  });
  return {
    add: (path) => {
      paths.add(path);
      isQuiet = false;
      clearTimeout(timer);
      timer = setTimeout(() => {
        isQuiet = true;
        wake();
      }, quiet);
    },
    read: async function* () {
      while (!abort.aborted) {
        if (isQuiet && paths.size > 0) {
          const batch = [...paths];
          paths.clear();
          yield batch;
          continue;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
