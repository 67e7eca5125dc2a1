/** inspect's --format: Docker tries a template on its own types first, and then on the JSON that the engine sent. */
import { WherryError } from '#base/error.ts';
import { shapeOf } from '#cli/goshapes.ts';
import { anyValue, rawValue } from '#cli/gotypes.ts';
import { compileTyped, type Render } from '#cli/template.ts';

/** Throws kind `invalid` with Go's message; where both attempts fail it is the second one's, as Docker has it. */
export function compileInspect(text: string): Render {
  const render = compileTyped(text);
  return (thing) => {
    const shape = shapeOf(thing);
    try {
      return render(shape === undefined ? anyValue(thing) : { type: shape, data: thing });
    } catch (error) {
      if (!(error instanceof WherryError)) throw error;
      return render(rawValue(thing), { strict: true });
    }
  };
}
