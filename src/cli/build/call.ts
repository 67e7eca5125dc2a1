/** --call and --check: what a build would say of itself, instead of building, in buildx's texts and JSON. */
import { join } from 'node:path';
import { csv } from '#base/csv.ts';
import { WherryError } from '#base/error.ts';
import { columnsOf } from '#base/text.ts';
import { parseBool } from '#base/units.ts';
import { isFar } from '#build/context/git-address.ts';
import { DockerfileError, showPlace } from '#build/dockerfile/fault.ts';
import { type Needed, type Outline, type TargetLine, targetsOf } from '#build/dockerfile/outline.ts';
import type { BuildRequest } from '#build/request.ts';
import type { Place } from '#build/vertex.ts';
import { describeRequests, REQUESTS } from '#cli/build/describe.ts';
import type { BuildValues } from '#cli/build/request.ts';
import type { Context } from '#cli/command.ts';
import type { BuildOptions } from '#engine/build.ts';
import { type Checked, checkBuild, describeBuild } from '#engine/build-call.ts';

const METHODS = ['check', 'outline', 'targets', 'subrequests.describe'] as const;

interface Method {
  name: (typeof METHODS)[number];
  json: boolean;
  /** What is found is no failure. */
  ignoreStatus: boolean;
}

/** `check`, `outline,format=json`; undefined where it is to be built. Throws kind `invalid` in buildx's words. */
export function parseMethod({ call, check }: Pick<BuildValues, 'call' | 'check'>): Method | undefined {
  if (call === 'build') return check ? { name: 'check', json: false, ignoreStatus: false } : undefined;
  const method = { name: '', json: false, ignoreStatus: false };
  for (const field of csv(call)) {
    const at = field.indexOf('=');
    if (at >= 0) setField(method, field, at);
    else if (method.name !== '') throw new WherryError('invalid', `invalid print value: ${call}`);
    else method.name = field;
  }
  const name = method.name === 'lint' ? 'check' : method.name;
  if (name === 'build' || name === '') return undefined;
  const known = METHODS.find((one) => one === name);
  if (known !== undefined) return { ...method, name: known };
  const why = `unsupported request frontend.${name}`;
  throw new WherryError('unsupported', `failed to solve: ${why}: ${why}`, {
    hint: 'Use --call=check, outline or targets',
  });
}

function setField(method: Omit<Method, 'name'>, field: string, at: number): void {
  const [key, value] = [field.slice(0, at), field.slice(at + 1)];
  if (key === 'format') {
    method.json = value === 'json';
    return;
  }
  const truth = key === 'ignorestatus' ? parseBool(value) : undefined;
  if (truth === undefined) throw new WherryError('invalid', `invalid print field: ${field}`);
  method.ignoreStatus = truth;
}

interface Called {
  /** For standard output. */
  text: string;
  /** For standard error. */
  fault: string;
  status: number;
}

interface Call {
  method: Method;
  request: BuildRequest;
  /** The context, as it was named. */
  path: string;
  values: Pick<BuildValues, 'file'>;
}

export async function callBuild({ store }: Context, call: Call, options: BuildOptions): Promise<Called> {
  const { method, request } = call;
  const { text } = request.dockerfile;
  if (method.name === 'check') return checked(call, await checkBuild(store, request, options));
  if (method.name === 'subrequests.describe') return found(method.json ? json(REQUESTS) : describeRequests());
  if (method.name === 'targets') {
    const targets = targetsOf(text);
    return found(
      method.json ? json({ targets: targets.map(targetJson), sources: [base64(text)] }) : targetText(targets),
    );
  }
  const outline = await describeBuild(store, request, options);
  return found(method.json ? json({ ...outlineJson(outline), sources: [base64(text)] }) : outlineText(outline));
}

export function sayCalled({ out, err }: Context, { text, fault, status }: Called): number {
  out.write(text);
  err.write(fault);
  return status;
}

const found = (text: string): Called => ({ text, fault: '', status: 0 });
const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;
const base64 = (text: string) => Buffer.from(text).toString('base64');

/** The Dockerfile as one would open it from here. */
function pathOf({ path, values: { file = '' }, request }: Call): string {
  const { name } = request.dockerfile;
  if (file !== '') return file === '-' ? name : file;
  return path === '-' || isFar(path) ? name : join(path, name);
}

function checked(call: Call, { warnings, error }: Checked): Called {
  const { method, request } = call;
  const status = (warnings.length > 0 || error !== undefined) && !method.ignoreStatus ? 1 : 0;
  const name = pathOf(call);
  const fault = error === undefined ? '' : `ERROR: ${error.message}\n${placesOf(error, name, request)}\n`;
  const sorted = warnings.toSorted((one, other) => (one.place[0]?.start ?? 0) - (other.place[0]?.start ?? 0));
  if (method.json) return { text: json(checkJson(request, { warnings, ...(error ? { error } : {}) })), fault, status };
  if (sorted.length === 0) return { text: error ? '' : 'Check complete, no warnings found.\n', fault, status };
  const count = sorted.length === 1 ? '1 warning has' : `${sorted.length} warnings have`;
  const shown = sorted.map(({ rule, url, detail, place }) => {
    const where = place[0] === undefined ? '' : showPlace(name, request.dockerfile.text, place[0]);
    return `\nWARNING: ${rule}${url === '' ? '' : ` - ${url}`}\n${detail}\n${where}`;
  });
  const end = error === undefined ? '' : '\n';
  return { text: `Check complete, ${count} been found!\n${shown.join('')}${end}`, fault, status };
}

/** All lines that an error is about, in one piece. */
function placesOf(error: WherryError, name: string, { dockerfile }: BuildRequest): string {
  if (!(error instanceof DockerfileError) || error.places.length === 0) return '';
  const start = Math.min(...error.places.map((place) => place.start));
  const end = Math.max(...error.places.map((place) => place.end));
  return showPlace(name, dockerfile.text, { start, end }, error.near);
}

/** BuildKit has a range for each line. */
function location(places: readonly Place[]): object {
  const lines = places.flatMap(({ start, end }) =>
    Array.from({ length: Math.max(end - start, 0) + 1 }, (_, index) => start + index),
  );
  const ranges = lines.map((line) => ({ start: { line }, end: { line } }));
  return ranges.length === 0 ? {} : { ranges };
}

function checkJson({ dockerfile }: BuildRequest, { warnings, error }: Checked): object {
  const places = error instanceof DockerfileError ? error.places : [];
  return {
    warnings:
      warnings.length === 0
        ? null
        : warnings.map(({ rule, description, url, detail, place }) => ({
            ruleName: rule,
            description,
            ...(url === '' ? {} : { url }),
            detail,
            location: location(place),
          })),
    sources: [{ filename: dockerfile.name, data: base64(dockerfile.text), language: 'Dockerfile' }],
    ...(error === undefined ? {} : { buildError: { message: error.message, location: location(places) } }),
  };
}

/** text/tabwriter: columns as wide as their widest cell, the last one as it is. */
function tabulated(rows: readonly (readonly string[])[], gap: number): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => columnsOf(row[column] ?? ''))));
  const line = (row: readonly string[]) =>
    row.map((cell, column) =>
      column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) + gap - columnsOf(cell)),
    );
  return rows.map((row) => `${line(row).join('')}\n`).join('');
}

function targetText(targets: readonly TargetLine[]): string {
  const rows = targets.map(({ name, isDefault, description }) => [
    [name, ...(isDefault ? ['(default)'] : [])].filter((word) => word !== '').join(' '),
    description,
  ]);
  return tabulated([['TARGET', 'DESCRIPTION'], ...rows], 1);
}

function targetJson({ name, isDefault, description, base, platform, place }: TargetLine): object {
  return {
    ...(name === '' ? {} : { name }),
    ...(isDefault ? { default: true } : {}),
    ...(description === '' ? {} : { description }),
    base,
    ...(platform === '' ? {} : { platform }),
    location: location([place]),
  };
}

function outlineText({ name, description, args, secrets, agents }: Outline): string {
  const about = [
    ...(name === '' && description === '' ? [] : [['TARGET:', name || '(default)']]),
    ...(description === '' ? [] : [['DESCRIPTION:', description]]),
  ];
  const needed = (title: string, list: readonly Needed[]) =>
    list.length === 0 ? [] : [[[title, 'REQUIRED'], ...list.map((one) => [one.name, one.required ? 'true' : ''])]];
  const tables = [
    ...(args.length === 0
      ? []
      : [[['BUILD ARG', 'VALUE', 'DESCRIPTION'], ...args.map((arg) => [arg.name, arg.value, arg.description])]]),
    ...needed('SECRET', secrets),
    ...needed('SSH', agents),
  ];
  const parts = [...(about.length === 0 ? [] : [tabulated(about, 1)]), ...tables.map((rows) => tabulated(rows, 3))];
  return parts.map((part) => `${part}\n`).join('');
}

function outlineJson({ name, description, args, secrets, agents }: Outline): object {
  const needed = (list: readonly Needed[]) =>
    list.map((one) => ({
      name: one.name,
      ...(one.required ? { required: true } : {}),
      location: location([one.place]),
    }));
  return {
    ...(name === '' ? {} : { name }),
    ...(description === '' ? {} : { description }),
    ...(args.length === 0 ? {} : { args: args.map(argJson) }),
    ...(secrets.length === 0 ? {} : { secrets: needed(secrets) }),
    ...(agents.length === 0 ? {} : { ssh: needed(agents) }),
  };
}

function argJson({ name, description, value, place }: Outline['args'][number]): object {
  return {
    name,
    ...(description === '' ? {} : { description }),
    ...(value === '' ? {} : { value }),
    location: location([place]),
  };
}
