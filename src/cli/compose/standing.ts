/** Listens to a command whose answer may stand (engine/standing.ts): what it reads, and what it says. */
import type { Context, Output } from '#cli/command.ts';
import { bytesWritten } from '#cli/output.ts';
import type { ComposeEvent } from '#compose/apply/event.ts';
import { readPresent } from '#compose/apply/identify.ts';
import type { Scope } from '#compose/apply/scope.ts';
import type { Project, Service } from '#compose/model/project.ts';
import type { Answer } from '#engine/standing.ts';

export interface Listener {
  /** Take what the project is read from. */
  look: (path: string) => void;
  ask: (variable: string) => void;
  /** Stands in for the output that is listened to. */
  output: Output;
  /** What is said is not worth keeping. */
  stop(): void;
  /** Notes what was said, if that was all; about: asked for then alone. */
  note(about: () => Pick<Answer, 'containers' | 'volumes' | 'health' | 'moments'>): Promise<void>;
}

export function listen(context: Context, output: Output): Listener {
  const looked: string[] = [];
  const asked = new Set<string>();
  const said: string[] = [];
  let isOver = false;
  const write = (data: string | Uint8Array) => {
    if (!isOver) said.push(typeof data === 'string' ? data : Buffer.from(data).toString());
    output.write(data);
  };
  return {
    look: (path) => looked.push(path),
    ask: (variable) => asked.add(variable),
    output: Object.create(output, { write: { value: write }, line: { value: (text: string) => write(`${text}\n`) } }),
    stop: () => {
      isOver = true;
    },
    note: async (about) => {
      const text = said.join('');
      // A warning or an advice beside it has the time in it, or is for this once.
      if (isOver || Buffer.byteLength(text) !== bytesWritten() || text.includes('\0')) return;
      const { noteAnswer } = await import('#engine/standing.ts');
      const fd = output === context.out ? 1 : 2;
      noteAnswer(context.store, { began: performance.timeOrigin, fd, text, looked, asked: [...asked], ...about() });
    },
  };
}

/** What steps tell that only look. */
const LOOKS = new Set(['Running', 'Waiting', 'Healthy']);

/** Hears whether an `up` only looks, and whether it looks for health. */
export function hearing(listener: Listener): { within(scope: Scope): Scope; isHealthAsked(): boolean } {
  let health = false;
  const hear = (event: ComposeEvent) => {
    if ('message' in event || !LOOKS.has(event.state)) listener.stop();
    else health ||= event.state !== 'Running';
  };
  return {
    within: (scope) => ({
      ...scope,
      report: (event) => {
        hear(event);
        scope.report(event);
      },
    }),
    isHealthAsked: () => health,
  };
}

/** What an `up` in the background has said stands for the next where no file would tell of a difference. */
export async function noteUp(context: Context, project: Project, listener: Listener, health: boolean): Promise<void> {
  if (!Object.values(project.services).every(isLasting)) return;
  await listener.note(() => ({
    containers: readPresent(context.store, project.name).map(({ id }) => id),
    volumes: Object.entries(project.volumes ?? {}).map(([key, { name }]) => name ?? key),
    health,
  }));
}

const POLICIES = [undefined, 'missing', 'if_not_present', 'never'];

/** Does what it wants depend on nothing that no file tells: the time, a registry, links in watched directories? */
const isLasting = ({ pull_policy, develop, use_api_socket }: Service): boolean =>
  POLICIES.includes(pull_policy) && develop === undefined && !use_api_socket;
