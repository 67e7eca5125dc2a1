/** Listens to an `up` in the background: where it had nothing to do, what it said stands until something changes. */
import type { Context, Output } from '#cli/command.ts';
import { infoOf } from '#cli/compose/settings.ts';
import { bytesWritten } from '#cli/output.ts';
import type { ComposeEvent } from '#compose/apply/event.ts';
import { readPresent } from '#compose/apply/identify.ts';
import type { Scope } from '#compose/apply/scope.ts';
import type { Project, Service } from '#compose/model/project.ts';

/** What steps tell that only look. */
const LOOKS = new Set(['Running', 'Waiting', 'Healthy']);

export interface Listener {
  /** Take what the project is read from. */
  look: (path: string) => void;
  ask: (variable: string) => void;
  /** Stands in for the output that progress is shown on. */
  output: Output;
  /** The scope, listened to. */
  within(scope: Scope): Scope;
  /** Notes what was said, if it can stand. */
  note(project: Project): Promise<void>;
}

export function listen(context: Context): Listener {
  const output = infoOf(context);
  const looked: string[] = [];
  const asked = new Set<string>();
  const said: string[] = [];
  let isStill = true;
  let health = false;
  const hear = (event: ComposeEvent) => {
    if ('message' in event || !LOOKS.has(event.state)) isStill = false;
    else health ||= event.state !== 'Running';
  };
  const write = (data: string | Uint8Array) => {
    if (isStill) said.push(typeof data === 'string' ? data : Buffer.from(data).toString());
    output.write(data);
  };
  return {
    look: (path) => looked.push(path),
    ask: (variable) => asked.add(variable),
    output: Object.create(output, { write: { value: write }, line: { value: (text: string) => write(`${text}\n`) } }),
    within: (scope) => ({
      ...scope,
      report: (event) => {
        hear(event);
        scope.report(event);
      },
    }),
    note: async (project) => {
      const text = said.join('');
      // A warning or an advice beside it has the time in it, or is for this once.
      const isAll = Buffer.byteLength(text) === bytesWritten();
      if (!isStill || !isAll || text.includes('\0') || !Object.values(project.services).every(isLasting)) return;
      const { noteAnswer } = await import('#engine/standing.ts');
      noteAnswer(context.store, {
        began: performance.timeOrigin,
        fd: output === context.out ? 1 : 2,
        text,
        looked,
        asked: [...asked],
        containers: readPresent(context.store, project.name).map(({ id }) => id),
        volumes: Object.entries(project.volumes ?? {}).map(([key, { name }]) => name ?? key),
        health,
      });
    },
  };
}

const POLICIES = [undefined, 'missing', 'if_not_present', 'never'];

/** Does what it wants depend on nothing that no file tells: the time, a registry, links in watched directories? */
const isLasting = ({ pull_policy, develop, use_api_socket }: Service): boolean =>
  POLICIES.includes(pull_policy) && develop === undefined && !use_api_socket;
