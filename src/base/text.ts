/** Text for people, as terminals draw it. */

/** Characters that are drawn twice as wide (Unicode's East Asian Width W and F, by the blocks that have them). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

/** How many columns a text takes. */
export function columnsOf(text: string): number {
  // Nearly all are plain: 500 rows shall not wait for Unicode's tables.
  if (/^[\0-\u02ff…]*$/.test(text)) return text.length;
  let columns = 0;
  for (const character of text) columns += WIDE.test(character) ? 2 : 1;
  return columns;
}

/** So many columns, the last of them `…` where something was cut off (Docker's formatter.Ellipsis). */
export function ellipsis(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const character of text) {
    width += columnsOf(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** The twelve digits of a container's or an image's ID that people see. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}
