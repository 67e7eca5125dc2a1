/** A pod: a service, those that share its network, and what must have been done before it starts. */
import { given } from '#base/given.ts';
import { container, literal } from '#compose/export/kube/container.ts';
import {
  annotationsOf,
  type Draft,
  filled,
  kubeName,
  orNone,
  placeOf,
  selectorOf,
  tell,
} from '#compose/export/kube/draft.ts';
import { names } from '#compose/export/kube/network.ts';
import type { Container, PodTemplate } from '#compose/export/kube/objects.ts';
import { placement } from '#compose/export/kube/placement.ts';
import { portsOf } from '#compose/export/kube/ports.ts';
import { seconds } from '#compose/export/kube/probes.ts';
import type { Roles } from '#compose/export/kube/roles.ts';
import { podSecurity } from '#compose/export/kube/security.ts';
import { mountsOf, type PodVolumes } from '#compose/export/kube/volumes.ts';
import type { Service } from '#compose/model/project.ts';

/** restartPolicy is a job's: what is steady is always started again. */
export function podTemplate(
  draft: Draft,
  owner: Service,
  roles: Roles,
  restartPolicy?: 'OnFailure' | 'Never',
): PodTemplate {
  const volumes: PodVolumes = new Map();
  const together = [owner, ...roles.companions(owner)];
  const isSteady = restartPolicy === undefined;
  const initContainers = together.flatMap((service) => before(draft, service, { roles, volumes, within: together }));
  const containers = together.map((service) =>
    container(draft, service, { mounts: mountsOf(draft, service, volumes), isSteady }),
  );
  const place = placeOf(owner);
  const annotations = annotationsOf(draft, place, { ...owner.labels, ...owner.annotations });
  const { dnsConfig, hostAliases } = names(draft, together);
  return {
    metadata: { labels: selectorOf(draft, owner.name), ...(filled(annotations) && { annotations }) },
    spec: {
      ...given({ initContainers: orNone([...new Map(initContainers.map((one) => [one.name, one])).values()]) }),
      containers,
      ...given({
        volumes: orNone([...volumes.values()]),
        restartPolicy,
        hostname: hostname(draft, owner),
        ...sharing(draft, together),
        dnsConfig: filled(given(dnsConfig)),
        hostAliases,
        ...placement(draft, owner),
        securityContext: podSecurity(draft, together),
        terminationGracePeriodSeconds:
          owner.stop_grace_period === undefined ? undefined : seconds(owner.stop_grace_period, 0),
      }),
    },
  };
}

function hostname(draft: Draft, service: Service): string | undefined {
  const { hostname: name } = service;
  if (name === undefined || name === '') return undefined;
  if (kubeName(name) !== name) tell(draft, placeOf(service), `host name "${name}" becomes "${kubeName(name)}"`);
  return kubeName(name);
}

/** The namespaces of the host, or of each other. */
function sharing(draft: Draft, together: readonly Service[]) {
  const owner = together[0];
  for (const service of together)
    for (const key of ['pid', 'ipc'] as const) tellSharing(draft, service, { key, together });
  if (owner?.network_mode === 'none')
    tell(draft, placeOf(owner), 'network_mode "none" is left out: write a NetworkPolicy that forbids everything');
  const isOnHost = owner?.network_mode === 'host';
  return given({
    hostNetwork: isOnHost || undefined,
    dnsPolicy: isOnHost ? ('ClusterFirstWithHostNet' as const) : undefined,
    hostPID: together.some(({ pid }) => pid === 'host') || undefined,
    hostIPC: together.some(({ ipc }) => ipc === 'host') || undefined,
    shareProcessNamespace: together.some(({ pid }) => isOneOf(together, pid)) || undefined,
  });
}

const isOneOf = (together: readonly Service[], mode: string | undefined) =>
  together.some(({ name }) => mode === `service:${name}`);

function tellSharing(
  draft: Draft,
  service: Service,
  { key, together }: { key: 'pid' | 'ipc'; together: readonly Service[] },
): void {
  const mode = service[key];
  // All containers of a pod share IPC.
  if (mode === undefined || ['', 'host', 'private', 'shareable'].includes(mode) || isOneOf(together, mode)) return;
  tell(draft, placeOf(service), `${key} "${mode}" is left out: only containers of one pod share it (network_mode)`);
}

interface Surroundings {
  roles: Roles;
  volumes: PodVolumes;
  /** The services of this pod: waiting for one of them would be waiting for oneself. */
  within: readonly Service[];
}

/** The containers that must have ended well before a service starts, in order. */
function before(draft: Draft, service: Service, around: Surroundings): Container[] {
  return Object.entries(service.depends_on ?? {}).flatMap(([name, { condition }]) => {
    const needed = draft.project.services[name];
    if (needed === undefined || around.within.includes(needed)) return [];
    if (condition === 'service_healthy') return [waitFor(draft, needed, around.roles)];
    if (condition !== 'service_completed_successfully') return [];
    if (around.roles.isInit(needed)) {
      const mounts = mountsOf(draft, needed, around.volumes);
      return [...before(draft, needed, around), container(draft, needed, { mounts, isSteady: false })];
    }
    const job = kubeName(name);
    tell(draft, placeOf(service), `apply it when the job is done: kubectl wait --for=condition=complete job/${job}`);
    return [];
  });
}

/** What waits has a shell and busybox's nc and nslookup. */
const WAITING_IMAGE = 'busybox:1.37';

/**
 * A Service leads to pods only when they are ready, which is when their check has succeeded; one without ports has no
 * address until then.
 */
function waitFor(draft: Draft, needed: Service, roles: Roles): Container {
  const name = kubeName(needed.name);
  const port = portsOf(needed).find(({ protocol }) => protocol === 'TCP')?.port;
  const namespace = '$(cat /var/run/secrets/kubernetes.io/serviceaccount/namespace)';
  const asks = port === undefined ? `nslookup "${name}.${namespace}.svc.cluster.local"` : `nc -z -w 1 ${name} ${port}`;
  if (needed.healthcheck === undefined || roles.isTask(needed))
    tell(draft, placeOf(needed), 'others wait for its health, but the file has no check: they wait until it is there');
  return {
    name: `wait-for-${name}`.slice(0, 63),
    image: WAITING_IMAGE,
    command: ['sh', '-c'],
    args: [`until ${literal(asks)} >/dev/null 2>&1; do sleep 1; done`],
  };
}
