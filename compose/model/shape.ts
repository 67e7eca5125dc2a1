/**
 * The model as a table: for each object its fields in the order in which docker compose writes them, and the kind of
 * each. decode.ts makes the typed project of it, print.ts and hash.ts its texts.
 */

/** How a single value is read and what its zero is; `bytes` and `duration` are kept as the text that is printed. */
export type Scalar = 'string' | 'bool' | 'int' | 'float32' | 'bytes' | 'duration' | 'mode' | 'count';

/** Lists and maps with a reading of their own, after the types of compose-go that do the same. */
export type Special =
  | 'command'
  | 'test'
  | 'strings'
  | 'mapping'
  | 'labels'
  | 'environment'
  | 'options'
  | 'multiOptions'
  | 'hosts'
  | 'ssh'
  | 'ulimit';

export interface Field {
  kind: Scalar | Special | 'list' | 'map' | 'struct';
  /** Of a list or a map. */
  item?: Field;
  /** Of a struct. */
  fields?: Readonly<Record<string, Field>>;
  /** Written although it is zero: Go has a pointer there, and absent is another thing than zero. */
  pointer?: true;
  /** Written in any case, zero or not. */
  always?: true;
  /** JSON has another name for it. */
  json?: string;
  /** JSON never leaves it out: null, or an object without fields. */
  jsonAlways?: true;
}

type Fields = Record<string, Field>;

const text: Field = { kind: 'string' };
const bool: Field = { kind: 'bool' };
const int: Field = { kind: 'int' };
const float: Field = { kind: 'float32' };
const bytes: Field = { kind: 'bytes' };
const duration: Field = { kind: 'duration' };
const strings: Field = { kind: 'strings' };
const mapping: Field = { kind: 'mapping' };
const labels: Field = { kind: 'labels' };
const environment: Field = { kind: 'environment' };
const options: Field = { kind: 'options' };
const hosts: Field = { kind: 'hosts' };
const command: Field = { kind: 'command', pointer: true, jsonAlways: true };
const ulimits: Field = { kind: 'map', item: { kind: 'ulimit', pointer: true } };

const pointer = (field: Field): Field => ({ ...field, pointer: true });
const always = (field: Field, json?: string): Field => ({
  ...field,
  always: true,
  ...(json === undefined ? {} : { json }),
});
const list = (item: Field): Field => ({ kind: 'list', item });
const map = (item: Field): Field => ({ kind: 'map', item });
/** A struct that is there even when nothing is in it: JSON writes it so. */
const struct = (fields: Fields): Field => ({ kind: 'struct', fields, jsonAlways: true });
const optional = (fields: Fields): Field => ({ kind: 'struct', fields, pointer: true });

const fileReference = list(
  struct({ source: text, target: text, uid: text, gid: text, mode: pointer({ kind: 'mode' }) }),
);

const hook: Fields = { command, user: text, privileged: bool, working_dir: text, environment };

const build: Fields = {
  context: text,
  dockerfile: text,
  dockerfile_inline: text,
  entitlements: strings,
  args: environment,
  provenance: text,
  sbom: text,
  ssh: { kind: 'ssh' },
  labels,
  cache_from: strings,
  cache_to: strings,
  no_cache: bool,
  additional_contexts: mapping,
  pull: bool,
  extra_hosts: hosts,
  isolation: text,
  network: text,
  target: text,
  secrets: fileReference,
  shm_size: bytes,
  tags: strings,
  ulimits,
  platforms: strings,
  privileged: bool,
};

const trigger: Fields = {
  path: always(text),
  action: always(text),
  target: text,
  exec: struct(hook),
  include: strings,
  ignore: strings,
  initial_sync: bool,
};

const throttle = list(struct({ path: always(text, 'Path'), rate: always(bytes, 'Rate') }));

const blkio: Fields = {
  weight: int,
  weight_device: list(struct({ path: always(text, 'Path'), weight: always(int, 'Weight') })),
  device_read_bps: throttle,
  device_read_iops: throttle,
  device_write_bps: throttle,
  device_write_iops: throttle,
};

const deviceRequests = list(
  struct({ capabilities: strings, driver: text, count: { kind: 'count' }, device_ids: strings, options: mapping }),
);

const resource: Fields = {
  cpus: float,
  memory: bytes,
  pids: int,
  devices: deviceRequests,
  generic_resources: list(struct({ discrete_resource_spec: optional({ kind: always(text), value: always(int) }) })),
};

const update: Fields = {
  parallelism: pointer(int),
  delay: duration,
  failure_action: text,
  monitor: duration,
  max_failure_ratio: float,
  order: text,
};

const deploy: Fields = {
  mode: text,
  replicas: pointer(int),
  labels,
  update_config: optional(update),
  rollback_config: optional(update),
  resources: struct({ limits: optional(resource), reservations: optional(resource) }),
  restart_policy: optional({
    condition: text,
    delay: pointer(duration),
    max_attempts: pointer(int),
    window: pointer(duration),
  }),
  placement: struct({
    constraints: strings,
    preferences: list(struct({ spread: text })),
    max_replicas_per_node: int,
  }),
  endpoint_mode: text,
};

const healthcheck: Fields = {
  test: { kind: 'test' },
  timeout: pointer(duration),
  interval: pointer(duration),
  retries: pointer(int),
  start_period: pointer(duration),
  start_interval: pointer(duration),
  disable: bool,
};

const serviceNetwork: Fields = {
  aliases: strings,
  driver_opts: options,
  gw_priority: int,
  interface_name: text,
  ipv4_address: text,
  ipv6_address: text,
  link_local_ips: strings,
  mac_address: text,
  priority: int,
};

const port: Fields = {
  name: text,
  mode: text,
  host_ip: text,
  target: int,
  published: text,
  protocol: text,
  app_protocol: text,
};

const mount: Fields = {
  type: text,
  source: text,
  target: text,
  read_only: bool,
  consistency: text,
  bind: optional({ selinux: text, propagation: text, create_host_path: bool, recursive: text }),
  volume: optional({ labels: mapping, nocopy: bool, subpath: text }),
  tmpfs: optional({ size: bytes, mode: int }),
  image: optional({ subpath: text }),
};

export const SERVICE: Fields = {
  profiles: strings,
  annotations: mapping,
  attach: pointer(bool),
  build: optional(build),
  develop: optional({ watch: list(struct(trigger)) }),
  blkio_config: optional(blkio),
  cap_add: strings,
  cap_drop: strings,
  cgroup_parent: text,
  cgroup: text,
  cpu_count: int,
  cpu_percent: float,
  cpu_period: int,
  cpu_quota: int,
  cpu_rt_period: int,
  cpu_rt_runtime: int,
  cpus: float,
  cpuset: text,
  cpu_shares: int,
  command,
  configs: fileReference,
  container_name: text,
  credential_spec: optional({ config: text, file: text, registry: text }),
  depends_on: map(struct({ condition: text, restart: bool, required: always(bool) })),
  deploy: optional(deploy),
  device_cgroup_rules: strings,
  devices: list(struct({ source: text, target: text, permissions: text })),
  dns: strings,
  dns_opt: strings,
  dns_search: strings,
  dockerfile: text,
  domainname: text,
  entrypoint: command,
  provider: optional({ type: text, options: { kind: 'multiOptions' } }),
  environment,
  env_file: list(struct({ path: text, required: always(bool), format: text })),
  expose: strings,
  extends: optional({ file: text, service: text }),
  external_links: strings,
  extra_hosts: hosts,
  group_add: strings,
  gpus: deviceRequests,
  hostname: text,
  healthcheck: optional(healthcheck),
  image: text,
  init: pointer(bool),
  ipc: text,
  isolation: text,
  labels,
  label_file: strings,
  links: strings,
  logging: optional({ driver: text, options }),
  log_driver: text,
  log_opt: options,
  mem_limit: bytes,
  mem_reservation: bytes,
  memswap_limit: bytes,
  mem_swappiness: bytes,
  mac_address: text,
  models: map(optional({ endpoint_var: text, model_var: text })),
  net: text,
  network_mode: text,
  networks: map(optional(serviceNetwork)),
  oom_kill_disable: bool,
  oom_score_adj: int,
  pid: text,
  pids_limit: int,
  platform: text,
  ports: list(struct(port)),
  privileged: bool,
  pull_policy: text,
  read_only: bool,
  restart: text,
  runtime: text,
  scale: pointer(int),
  secrets: fileReference,
  security_opt: strings,
  shm_size: bytes,
  stdin_open: bool,
  stop_grace_period: pointer(duration),
  stop_signal: text,
  storage_opt: options,
  sysctls: mapping,
  tmpfs: strings,
  tty: bool,
  ulimits,
  use_api_socket: bool,
  user: text,
  userns_mode: text,
  uts: text,
  volume_driver: text,
  volumes: list(struct(mount)),
  volumes_from: strings,
  working_dir: text,
  post_start: list(struct(hook)),
  pre_stop: list(struct(hook)),
};

export const NETWORK: Fields = {
  name: text,
  driver: text,
  driver_opts: options,
  ipam: struct({
    driver: text,
    config: list(optional({ subnet: text, gateway: text, ip_range: text, aux_addresses: mapping })),
  }),
  external: bool,
  internal: bool,
  attachable: bool,
  labels,
  enable_ipv4: pointer(bool),
  enable_ipv6: pointer(bool),
};

export const VOLUME: Fields = { name: text, driver: text, driver_opts: options, external: bool, labels };

const fileObject: Fields = {
  name: text,
  file: text,
  environment: text,
  content: text,
  external: bool,
  labels,
  driver: text,
  driver_opts: options,
  template_driver: text,
};

const model: Fields = { name: text, model: text, context_size: int, runtime_flags: strings };

/** The project, whose JSON is not in this order but by name, and has no models. */
export const PROJECT: Fields = {
  name: text,
  services: always(map(struct(SERVICE))),
  networks: map(struct(NETWORK)),
  volumes: map(struct(VOLUME)),
  secrets: map(struct(fileObject)),
  configs: map(struct(fileObject)),
  models: map(struct(model)),
};
