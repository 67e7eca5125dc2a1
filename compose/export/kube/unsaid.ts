/** What compose can say and a manifest can't: for each attribute, the one line that its user is told. */
import { type Draft, placeOf, tell } from '#compose/export/kube/draft.ts';
import type { Service } from '#compose/model/project.ts';

/** Read by the other parts of the export, or without a meaning there (a build is told of with its image). */
type Said =
  | `x-${string}`
  | 'annotations'
  | 'build'
  | 'cap_add'
  | 'cap_drop'
  | 'command'
  | 'configs'
  | 'container_name'
  | 'cpu_shares'
  | 'cpus'
  | 'depends_on'
  | 'deploy'
  | 'dns'
  | 'dns_opt'
  | 'dns_search'
  | 'entrypoint'
  | 'environment'
  | 'expose'
  | 'extra_hosts'
  | 'gpus'
  | 'group_add'
  | 'healthcheck'
  | 'hostname'
  | 'image'
  | 'ipc'
  | 'labels'
  | 'links'
  | 'mem_limit'
  | 'mem_reservation'
  | 'name'
  | 'network_mode'
  | 'networks'
  | 'pid'
  | 'pids_limit'
  | 'platform'
  | 'ports'
  | 'post_start'
  | 'pre_stop'
  | 'privileged'
  | 'pull_policy'
  | 'read_only'
  | 'restart'
  | 'runtime'
  | 'scale'
  | 'secrets'
  | 'security_opt'
  | 'shm_size'
  | 'stdin_open'
  | 'stop_grace_period'
  | 'sysctls'
  | 'tmpfs'
  | 'tty'
  | 'user'
  | 'volumes'
  | 'volumes_from'
  | 'working_dir'
  // About this machine's terminal and files, or gone when the project is loaded.
  | 'attach'
  | 'develop'
  | 'dockerfile'
  | 'env_file'
  | 'extends'
  | 'label_file'
  | 'log_driver'
  | 'log_opt'
  | 'net'
  | 'profiles';

const UNSAID: Record<Exclude<keyof Service, Said>, string> = {
  blkio_config: 'Kubernetes limits no block devices',
  cgroup: 'the kubelet places control groups',
  cgroup_parent: 'the kubelet places control groups',
  cpu_count: 'use deploy.resources.limits.cpus',
  cpu_percent: 'use deploy.resources.limits.cpus',
  cpu_period: 'use deploy.resources.limits.cpus',
  cpu_quota: 'use deploy.resources.limits.cpus',
  cpu_rt_period: 'Kubernetes has no real-time scheduling',
  cpu_rt_runtime: 'Kubernetes has no real-time scheduling',
  cpuset: "processors are assigned by the kubelet's CPU manager",
  credential_spec: 'it is for Windows',
  device_cgroup_rules: 'a device needs a device plugin there',
  devices: 'a device needs a device plugin there',
  domainname: 'a pod has the domain of the cluster',
  external_links: 'names outside of the project are not known there',
  init: 'a container there has no init process',
  isolation: 'it is for Windows',
  logging: "the cluster's nodes keep the logs",
  mac_address: 'the cluster assigns addresses',
  mem_swappiness: "swap is the node's",
  memswap_limit: "swap is the node's",
  models: 'have the model served in the cluster',
  oom_kill_disable: 'the kubelet decides who is killed',
  oom_score_adj: 'the kubelet decides who is killed',
  provider: 'nothing runs a provider there, nor this service',
  stop_signal: 'have the image name it (STOPSIGNAL)',
  storage_opt: 'use deploy.resources',
  ulimits: "limits are the node's runtime's",
  use_api_socket: 'there is no engine to reach',
  userns_mode: 'see hostUsers in its documentation',
  uts: "a pod has a host name of its own, or the host's network with the host's name",
  volume_driver: 'name a storage class in the claims',
};

/** Says which attributes of a service are left out. */
export function tellUnsaid(draft: Draft, service: Service): void {
  for (const [key, reason] of Object.entries(UNSAID)) {
    const value = service[key as keyof typeof UNSAID];
    if (value === undefined || value === false || value === null || isEmpty(value)) continue;
    tell(draft, placeOf(service), `${key} is left out: ${reason}`);
  }
  for (const [name, network] of Object.entries(service.networks ?? {})) {
    const lost = Object.keys(network ?? {}).filter((key) => key !== 'aliases' && !key.startsWith('x-'));
    if (lost.length > 0)
      tell(
        draft,
        placeOf(service),
        `${lost.join(', ')} in network "${name}" is left out: the cluster assigns addresses`,
      );
  }
}

const isEmpty = (value: unknown) =>
  typeof value === 'object' && value !== null && !(value instanceof Date) && Object.keys(value).length === 0;

/** Says what networks keep apart here and nothing keeps apart there. */
export function tellNetworks(draft: Draft, services: readonly Service[]): void {
  const { networks = {} } = draft.project;
  const used = new Set(services.flatMap((service) => Object.keys(service.networks ?? {})));
  if (used.size > 1)
    tell(draft, 'networks', `${[...used].sort().join(', ')} become one: write NetworkPolicies to keep services apart`);
  for (const [name, { internal }] of Object.entries(networks))
    if (internal && used.has(name))
      tell(draft, `network "${name}"`, 'internal is left out: write a NetworkPolicy that forbids what goes out');
}
