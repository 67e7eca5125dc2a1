/** --call and --check of a bake: what each target's build would say of itself. */

import { WherryError } from '#base/error.ts';
import { goJson, indentJson } from '#base/go-json.ts';
import type { Baked } from '#build/bake/resolve.ts';
import type { Report } from '#build/event.ts';
import { printedTarget } from '#cli/bake/print.ts';
import { type Job, openTarget } from '#cli/bake/run.ts';
import { callBuild, parseMethod } from '#cli/build/call.ts';
import type { Context } from '#cli/command.ts';

interface Calling {
  baked: Baked;
  jobs: readonly Job[];
  /** What --call says of it: how it is to be shown. */
  method: ReturnType<typeof parseMethod>;
  report: Report;
}

interface Called {
  text: string;
  fault: string;
  status: number;
}

/** One target after the other, by name. Throws kind `unsupported` for targets that are linked: they would have to be built. */
export async function callJobs(context: Context, { baked, jobs, method, report }: Calling): Promise<Called> {
  const all: [name: string, called: Called][] = [];
  for (const job of jobs) {
    const own = parseMethod({ call: job.target.call ?? 'build', check: false });
    if (own === undefined) continue;
    all.push([job.name, await callOne(context, job, { method: { ...own, ...pick(method) }, report })]);
  }
  const status = all.find(([, called]) => called.status !== 0)?.[1].status ?? 0;
  const fault = all.map(([, called]) => called.fault).join('');
  if (method?.json) return { text: asJson(baked, all), fault, status };
  const pieces = all.map(([name, { text }]) => {
    const { description } = baked.targets[name] ?? {};
    return `${name}\n${description ? `${description}\n` : ''}\n${text}`;
  });
  return { text: pieces.join('\n'), fault, status };
}

const pick = (method: ReturnType<typeof parseMethod>) =>
  method === undefined ? {} : { json: method.json, ignoreStatus: method.ignoreStatus };

async function callOne(
  context: Context,
  job: Job,
  { method, report }: { method: NonNullable<ReturnType<typeof parseMethod>>; report: Report },
): Promise<Called> {
  const { abort } = context;
  const { words, wanted, target } = job;
  const link = Object.entries(target.contexts ?? {}).find(([, value]) => value.startsWith('target:'));
  if (link !== undefined) {
    throw new WherryError(
      'unsupported',
      `target ${job.name}: failed to solve: unsupported context source target for ${link[0]}`,
    );
  }
  using opened = await openTarget(context, job, { report, abort });
  const request = { ...wanted, dockerfile: opened.dockerfile, contexts: opened.contexts };
  return callBuild(context, { method, request, path: words.context, values: words.values }, { report, abort });
}

function asJson({ groups, targets }: Baked, all: readonly [name: string, called: Called][]): string {
  const target = Object.fromEntries(
    all.map(([name, { text }]) => {
      const target = targets[name] ?? {};
      const { call = '' } = target;
      return [name, { build: printedTarget(target), [call === 'lint' ? 'check' : call]: JSON.parse(text) }];
    }),
  );
  return `${indentJson(goJson({ group: groups, target }), '  ')}\n`;
}
