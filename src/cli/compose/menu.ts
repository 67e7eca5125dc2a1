/** The line of shortcuts that stands below the logs of an attached `up`, on the terminal's last row. */
import { stripVTControlCharacters } from 'node:util';
import type { LogLines } from '#cli/compose/log-lines.ts';
import { onResize, rawMode, windowSize } from '#cli/terminal.ts';

interface Size {
  columns: number;
  rows: number;
}

const UNCONFIGURED =
  'watch is not yet configured. Learn more: \x1b[36mhttps://docs.docker.com/compose/file-watch/\x1b[0m';

/** So long what a key could not do is told of, in milliseconds. */
const TOLD = 10_000;

const START_OF_LINE = '\x1b[0G';

/** Takes away what stands below the line that comes next. */
export const ERASE = `${START_OF_LINE}\x1b7\x1b[1B\x1b[0J\x1b8`;

/** The menu's words; w begins or ends watching. */
export const menuText = (isWatching: boolean): string =>
  `\x1b[1;38;2;0;0;0;48;2;255;255;255mw\x1b[0m\x1b[2m ${isWatching ? 'Disable' : 'Enable'} Watch\x1b[0m`;

/** What draws the menu, with what a key could not do above it; the cursor is back afterwards, where the next line comes. */
export function drawMenu(text: string, trouble: string | undefined, { columns, rows }: Size): string {
  const more = (words: string) => Math.floor([...stripVTControlCharacters(words)].length / columns);
  const last = rows - more(text);
  const height = 2 + more(text) + (trouble === undefined ? 0 : more(trouble) + 1);
  const room = `\x1b[2K\n${START_OF_LINE}`.repeat(height);
  const at = (row: number, words: string) => `\x1b[${Math.max(row, 1)};0H\x1b[2K${words}`;
  const above = trouble === undefined ? '' : at(last - 1 - more(trouble), trouble);
  return `${ERASE}${room}\x1b[${height}A${START_OF_LINE}\x1b7${above}${at(last, text)}${START_OF_LINE}\x1b8`;
}

function sizeOf(): Size {
  const [rows, columns] = windowSize(1);
  return { rows: rows || 24, columns: columns || 80 };
}

export interface MenuOptions {
  write(text: string): void;
  /** Ctrl-C; the terminal is its old self by then. */
  interrupt(): void;
  /** Begins or ends watching, and says whether it goes on; undefined: there is nothing to watch. */
  toggleWatch?: () => boolean;
  isWatching: boolean;
}

export interface Menu {
  /** The same lines, with the menu below each. */
  decorate(lines: LogLines): LogLines;
  /** Watching has ended by itself. */
  watchEnded(): void;
  /** Takes it away; keys are the terminal's own again. */
  close(): void;
}

/** Takes the terminal's keys. It is drawn with the first line that is written through it. */
export function openMenu({ write, interrupt, toggleWatch, ...begun }: MenuOptions): Menu {
  let { isWatching } = begun;
  let isOpen = true;
  let isDrawn = false;
  const trouble = openTrouble(() => draw());
  const draw = () => {
    if (!isOpen) return;
    isDrawn = true;
    write(drawMenu(menuText(isWatching), trouble.words(), sizeOf()));
  };
  const erase = () => {
    if (isDrawn) write(ERASE);
    isDrawn = false;
  };
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    trouble.forget();
    unwatchSize();
    keys.release();
    erase();
  };
  const actions: Record<string, () => void> = {
    w: () => {
      if (toggleWatch === undefined) return trouble.tell(`\x1b[1;36mWatch →\x1b[0m  ${UNCONFIGURED}`);
      isWatching = toggleWatch();
      draw();
    },
    [ENTER]: () => {
      write(`${ERASE}\n`);
      draw();
    },
    [CTRL_C]: () => {
      close();
      interrupt();
    },
    [CTRL_Z]: () => {
      erase();
      keys.suspend(draw);
    },
  };
  const keys = takeKeys((key) => actions[key]?.());
  const unwatchSize = onResize(() => isDrawn && draw());
  const between = (say: () => void) => {
    erase();
    say();
    draw();
  };
  return {
    decorate: (lines) => ({
      log: (...line) => between(() => lines.log(...line)),
      status: (...line) => between(() => lines.status(...line)),
    }),
    watchEnded: () => {
      isWatching = false;
      if (isDrawn) draw();
    },
    close,
  };
}

/** What a key could not do, for as long as it is told of. */
function openTrouble(changed: () => void) {
  let words: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const forget = () => {
    clearTimeout(timer);
    words = undefined;
  };
  return {
    words: () => words,
    forget,
    tell: (text: string) => {
      forget();
      words = text;
      timer = setTimeout(() => {
        forget();
        changed();
      }, TOLD).unref();
      changed();
    },
  };
}

const ENTER = '\r';
const CTRL_C = '\x03';
const CTRL_Z = '\x1a';

/** The terminal gives each key at once, and shows none, until `release`. */
function takeKeys(press: (key: string) => void) {
  let isReleased = false;
  let cook = rawMode();
  const take = (data: Buffer) => {
    for (const key of data.toString('latin1')) if (!isReleased) press(key);
  };
  process.stdin.on('data', take);
  // It is no reason to stay when all else has ended.
  process.stdin.unref();
  return {
    release: () => {
      isReleased = true;
      process.stdin.off('data', take).pause();
      cook();
    },
    /** Stops as a job does at Ctrl-Z, and goes on with its shell's `fg`. */
    suspend: (continued: () => void) => {
      cook();
      process.once('SIGCONT', () => {
        if (isReleased) return;
        cook = rawMode();
        continued();
      });
      process.kill(0, 'SIGSTOP');
    },
  };
}
