/** The process's umask, of which there is one for all that goes on in it at once. */

let working = 0;
let usual = 0;

/** Until disposed of, files get exactly the modes that they are given. Several may ask for it at the same time. */
export function withoutUmask(): Disposable {
  if (working === 0) usual = process.umask(0);
  working += 1;
  let isHeld = true;
  return {
    [Symbol.dispose]: () => {
      if (!isHeld) return;
      isHeld = false;
      working -= 1;
      if (working === 0) process.umask(usual);
    },
  };
}
