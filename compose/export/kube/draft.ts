/** What the parts of the export share: the project, the objects made so far, and who is told what can't be said. */
import { WherryError } from '#base/error.ts';
import type { Manifest, Meta } from '#compose/export/kube/objects.ts';
import type { Project, Service } from '#compose/model/project.ts';

export interface Draft {
  project: Project;
  /** Bytes as a quantity (`1Gi`): what a volume asks for that names no size. */
  storage: string;
  namespace: string | undefined;
  objects: Manifest[];
  notes: string[];
  /** Names that are taken, by `kind/name`. */
  taken: Set<string>;
}

/** One line for who must do something by hand. place: `service "web"`. */
export function tell(draft: Draft, place: string, text: string): void {
  const line = `${place}: ${text}`;
  if (!draft.notes.includes(line)) draft.notes.push(line);
}

export const placeOf = (service: Service) => `service "${service.name}"`;

/** The longest label of a DNS name (RFC 1123), and so of most objects' names. */
const LONGEST = 63;

/**
 * A compose name as the name of an object: lower-case letters, digits and hyphens, a letter first (RFC 1035, which a
 * Service's name wants). `My_db.1` becomes `my-db-1`.
 */
export function kubeName(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+/, '');
  const lettered = /^[a-z]/.test(plain) ? plain : `x-${plain}`;
  return lettered.slice(0, LONGEST).replace(/-+$/, '');
}

/** The name of a new object of this kind that nothing has yet: WANTED, or with a number behind it. */
export function takeName({ taken }: Draft, kind: Manifest['kind'] | 'workload', wanted: string): string {
  const plain = kubeName(wanted);
  for (let count = 1; ; count++) {
    const suffix = count === 1 ? '' : `-${count}`;
    const name = `${plain.slice(0, LONGEST - suffix.length)}${suffix}`;
    if (taken.has(`${kind}/${name}`)) continue;
    taken.add(`${kind}/${name}`);
    return name;
  }
}

/** A label's value: at most 63 of letters, digits, `-`, `_` and `.`, the first and last a letter or digit. */
function labelValue(text: string): string {
  return text
    .replace(/[^A-Za-z0-9_.-]/g, '-')
    .slice(0, LONGEST)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
}

/** Which pods a service's are. Never changed later: a selector can't be. */
export function selectorOf({ project }: Draft, service: string): Record<string, string> {
  return { 'app.kubernetes.io/name': labelValue(service), 'app.kubernetes.io/part-of': labelValue(project.name) };
}

export function meta(
  { project, namespace }: Draft,
  name: string,
  { service, annotations }: { service?: string | undefined; annotations?: Record<string, string> | undefined } = {},
): Meta {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: {
      ...(service === undefined ? {} : { 'app.kubernetes.io/name': labelValue(service) }),
      'app.kubernetes.io/part-of': labelValue(project.name),
    },
    ...(annotations === undefined || Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

/** `my.host/name`: a DNS subdomain and a qualified name of at most 63. */
const QUALIFIED = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;

/** Labels and annotations of compose as annotations: a label's value is too narrow for what people put there. */
export function annotationsOf(draft: Draft, place: string, labels: Record<string, string>): Record<string, string> {
  const wrong = Object.keys(labels).filter((key) => !QUALIFIED.test(key));
  for (const key of wrong) tell(draft, place, `label "${key}" is left out: Kubernetes takes no such key`);
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !wrong.includes(key)));
}

/** An empty list or table says nothing: it is left out. */
export const orNone = <T>(list: T[]): T[] | undefined => (list.length === 0 ? undefined : list);

export function filled<T extends object>(values: T): T | undefined {
  return Object.keys(values).length === 0 ? undefined : values;
}

const UNITS: readonly [string, bigint][] = [
  ['Gi', 1n << 30n],
  ['Mi', 1n << 20n],
  ['Ki', 1n << 10n],
];

/** Bytes (`536870912`) as a quantity (`512Mi`). Throws kind `invalid` for what is no number of bytes. */
export function quantity(bytes: string | number): string {
  const text = String(bytes);
  if (!/^\d+$/.test(text))
    throw new WherryError('invalid', `Cannot write "${text}" as a quantity: not a size in bytes`);
  const size = BigInt(text);
  const [unit, worth] = UNITS.find(([, each]) => size > 0n && size % each === 0n) ?? ['', 1n];
  return `${size / worth}${unit}`;
}
