/** What tells several builds that are shown as one apart: those of a bake, and of a project's services. */
import { restated, WherryError } from '#base/error.ts';
import type { Report } from '#build/event.ts';
import { vertexId } from '#build/progress.ts';

/** `[internal] load …` becomes `[app internal] load …`; each target's vertices are its own. One alone is as any build. */
export function ofTarget(name: string, isOneOfMany: boolean, report: Report): Report {
  if (!isOneOfMany) return report;
  const idOf = (id: string) => vertexId(`${name} ${id}`);
  return (event) => {
    if (event.kind !== 'vertex') return report({ ...event, vertex: idOf(event.vertex) });
    const title = event.name.startsWith('[') ? `[${name} ${event.name.slice(1)}` : `[${name}] ${event.name}`;
    return report({ ...event, id: idOf(event.id), inputs: event.inputs.map(idOf), name: title });
  };
}

/** Of several targets an error says which one it is about. */
export function aboutTarget(name: string, isOneOfMany: boolean, error: unknown): unknown {
  if (!isOneOfMany || !(error instanceof WherryError)) return error;
  const { message, exitCode } = error;
  return restated(error, { message: `target ${name}: ${message}`, exitCode });
}
