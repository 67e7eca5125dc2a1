/** A project as Kubernetes' manifests, for the day when one machine is too small. */
import { WherryError } from '#base/error.ts';
import { type Draft, kubeName, quantity } from '#compose/export/kube/draft.ts';
import { addFileObjects } from '#compose/export/kube/files.ts';
import { addServices, ingressHint } from '#compose/export/kube/network.ts';
import type { Ingress, Manifest } from '#compose/export/kube/objects.ts';
import { rolesIn } from '#compose/export/kube/roles.ts';
import { tellNetworks, tellUnsaid } from '#compose/export/kube/unsaid.ts';
import { addClaims } from '#compose/export/kube/volumes.ts';
import { workload } from '#compose/export/kube/workload.ts';
import type { Project, Service } from '#compose/model/project.ts';

export interface KubeOptions {
  /** In each object's metadata. */
  namespace?: string;
  /** Bytes: what a volume asks for that names no size. */
  storage?: number;
}

export interface KubeExport {
  /** In the order in which they are applied. */
  objects: Manifest[];
  /** What a user may want besides, with a host name of their own. */
  hints: Ingress[];
  /** What a manifest can't say, and what is to be done by hand: `service "web": …`, one line each. */
  notes: string[];
}

const ORDER: Manifest['kind'][] = ['ConfigMap', 'Secret', 'PersistentVolumeClaim', 'Service'];

/** Reads the files of configs, secrets and bind mounts. Throws kind `invalid` for one that isn't there. */
export function exportKube(project: Project, { namespace, storage = 1 << 30 }: KubeOptions = {}): KubeExport {
  const draft: Draft = { project, namespace, storage: quantity(storage), objects: [], notes: [], taken: new Set() };
  const all = Object.values(project.services);
  const services = all.filter(({ provider }) => provider === undefined);
  const roles = rolesIn(draft);
  checkNames(services);
  addFileObjects(draft);
  addClaims(draft, services);
  const steady = services.filter((service) => !roles.isTask(service));
  for (const service of steady) addServices(draft, service, roles.owner(service));
  for (const service of all) tellUnsaid(draft, service);
  tellNetworks(draft, services);
  for (const service of services)
    if (roles.owner(service) === service && !roles.isInit(service)) draft.objects.push(workload(draft, service, roles));
  const place = ({ kind }: Manifest) => (ORDER.includes(kind) ? ORDER.indexOf(kind) : ORDER.length);
  const objects = draft.objects.toSorted((a, b) => place(a) - place(b));
  return { objects, hints: steady.flatMap((service) => ingressHint(draft, service) ?? []), notes: draft.notes };
}

function checkNames(services: readonly Service[]): void {
  const known = new Map<string, string>();
  for (const { name } of services) {
    const other = known.get(kubeName(name));
    if (other !== undefined)
      throw new WherryError(
        'conflict',
        `Cannot write services "${other}" and "${name}": both would be "${kubeName(name)}"`,
        {
          hint: 'Give one of them another name: Kubernetes knows no capital letters, dots and underscores',
        },
      );
    known.set(kubeName(name), name);
  }
}

/** The manifests as documents of YAML, the hints as comments. */
export async function kubeYaml(project: Project, { objects, hints }: KubeExport): Promise<string> {
  const { Document, Scalar, visit } = await import('yaml');
  const written = (object: object) => {
    // kubectl reads YAML 1.1, where an unquoted yes, no, on, y or 1_000 is no string; and Go's numbers, which have 0o17.
    const document = new Document(object, { version: '1.1', aliasDuplicateObjects: false });
    visit(document, {
      Scalar: (_, node) => {
        if (typeof node.value === 'string' && /^[-+]?0o/i.test(node.value)) node.type = Scalar.QUOTE_DOUBLE;
      },
    });
    return document.toString({ lineWidth: 0 });
  };
  const head = `# The compose project "${project.name}", for: kubectl apply -f FILE\n`;
  const commented = hints.map((hint) => written(hint).replace(/^(?=.)/gm, '# '));
  const advice = commented.map(
    (text) =>
      `# An Ingress in the place of the LoadBalancer; put your host name in, and take the signs away:\n# ---\n${text}`,
  );
  return [head + objects.map(written).join('---\n'), ...advice].join('\n');
}
