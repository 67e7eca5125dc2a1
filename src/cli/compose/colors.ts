/** The colours of compose's screen and of its log prefixes. */

export type Paint = (text: string) => string;

const painted =
  (...codes: readonly string[]): Paint =>
  (text) =>
    `${codes.map((code) => `\x1b[${code}m`).join('')}${text}\x1b[0m`;

/** As it is. */
export const plain: Paint = (text) => text;

/** What each kind of text on the screen is drawn in. */
export interface Palette {
  done: Paint;
  timer: Paint;
  count: Paint;
  warning: Paint;
  success: Paint;
  error: Paint;
  prefix: Paint;
}

const COLOURED: Palette = {
  done: painted('34'),
  timer: painted('34'),
  count: painted('33'),
  warning: painted('33', '1'),
  success: painted('32'),
  error: painted('31', '1'),
  prefix: painted('36'),
};

const MONOCHROME: Palette = {
  done: plain,
  timer: plain,
  count: plain,
  warning: plain,
  success: plain,
  error: plain,
  prefix: plain,
};

/** compose's, or none with NO_COLOR. */
export const paletteOf = (env: NodeJS.ProcessEnv = process.env): Palette => (env.NO_COLOR ? MONOCHROME : COLOURED);

/** compose gives one after the other to the containers whose logs it shows, and begins anew after the last. */
const RAINBOW = ['36', '33', '32', '35', '34', '36;1', '33;1', '32;1', '35;1', '34;1'].map((code) => painted(code));

/** Gives the next of the rainbow's colours at each call; where nothing is coloured none. */
export function rainbow(coloured: boolean): () => Paint {
  let next = 0;
  return () => {
    if (!coloured) return plain;
    const paint = RAINBOW[next % RAINBOW.length] ?? plain;
    next += 1;
    return paint;
  };
}

/** The colour of what `watch` says between the logs. */
export const watchPaint = painted('92');
