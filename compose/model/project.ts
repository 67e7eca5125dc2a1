/**
 * A compose project as it is after loading: the shape that `docker compose config --format json` prints, in long form,
 * with every default of the specification written out. Types only.
 *
 * Beyond what is printed, every object keeps its `x-…` fields, the project knows where it came from, and a service its
 * name. Sizes are bytes as text ("536870912"), durations Go's text ("1m30s"), file modes octal text ("0440"). What is
 * zero or empty is absent, except for a command or entrypoint of no words, which takes away the image's.
 */

/** `x-…`: whatever the user wrote there. */
type Extensible = { [extension: `x-${string}`]: unknown };
type Labels = Record<string, string>;

export interface Project extends Extensible {
  name: string;
  services: Record<string, Service>;
  networks?: Record<string, Network>;
  volumes?: Record<string, Volume>;
  configs?: Record<string, FileObject>;
  secrets?: Record<string, FileObject>;
  models?: Record<string, Model>;

  /** Absolute: what relative paths of the files are relative to. */
  workingDir: string;
  /** Absolute paths, `-` for standard input, in the order in which they were merged. */
  composeFiles: string[];
  /** What interpolation saw: the process's environment over the env files'. */
  environment: Record<string, string>;
  /** The active profiles. */
  profiles: string[];
  /** Services that no active profile or selection names, in the same form. */
  disabledServices: Record<string, Service>;
}

export interface Service extends Extensible {
  /** Its key in `services`. */
  name: string;
  profiles?: string[];
  annotations?: Record<string, string>;
  attach?: boolean;
  build?: Build;
  develop?: { watch?: Trigger[] };
  blkio_config?: BlkioConfig;
  cap_add?: string[];
  cap_drop?: string[];
  cgroup_parent?: string;
  cgroup?: string;
  cpu_count?: number;
  cpu_percent?: number;
  cpu_period?: number;
  cpu_quota?: number;
  cpu_rt_period?: number;
  cpu_rt_runtime?: number;
  cpus?: number;
  cpuset?: string;
  cpu_shares?: number;
  /** Absent or null: the image's. */
  command?: string[] | null;
  configs?: FileReference[];
  container_name?: string;
  credential_spec?: { config?: string; file?: string; registry?: string };
  depends_on?: Record<string, DependsOn>;
  deploy?: Deploy;
  device_cgroup_rules?: string[];
  devices?: DeviceMapping[];
  dns?: string[];
  dns_opt?: string[];
  dns_search?: string[];
  dockerfile?: string;
  domainname?: string;
  /** Absent or null: the image's. */
  entrypoint?: string[] | null;
  provider?: { type?: string; options?: Record<string, string[]> };
  /** null: a name without a value that the environment doesn't know either. */
  environment?: Record<string, string | null>;
  env_file?: EnvFile[];
  expose?: string[];
  extends?: { file?: string; service?: string };
  external_links?: string[];
  /** `host=address`, sorted. */
  extra_hosts?: string[];
  group_add?: string[];
  gpus?: DeviceRequest[];
  hostname?: string;
  healthcheck?: Healthcheck;
  image?: string;
  init?: boolean;
  ipc?: string;
  isolation?: string;
  labels?: Labels;
  label_file?: string[];
  links?: string[];
  logging?: { driver?: string; options?: Record<string, string> };
  log_driver?: string;
  log_opt?: Record<string, string>;
  mem_limit?: string;
  mem_reservation?: string;
  memswap_limit?: string;
  mem_swappiness?: string;
  mac_address?: string;
  models?: Record<string, { endpoint_var?: string; model_var?: string } | null>;
  net?: string;
  network_mode?: string;
  networks?: Record<string, ServiceNetwork | null>;
  oom_kill_disable?: boolean;
  oom_score_adj?: number;
  pid?: string;
  pids_limit?: number;
  platform?: string;
  ports?: Port[];
  privileged?: boolean;
  pull_policy?: string;
  read_only?: boolean;
  restart?: string;
  runtime?: string;
  scale?: number;
  secrets?: FileReference[];
  security_opt?: string[];
  shm_size?: string;
  stdin_open?: boolean;
  stop_grace_period?: string;
  stop_signal?: string;
  storage_opt?: Record<string, string>;
  sysctls?: Record<string, string>;
  tmpfs?: string[];
  tty?: boolean;
  ulimits?: Record<string, Ulimit>;
  use_api_socket?: boolean;
  user?: string;
  userns_mode?: string;
  uts?: string;
  volume_driver?: string;
  volumes?: ServiceVolume[];
  volumes_from?: string[];
  working_dir?: string;
  post_start?: Hook[];
  pre_stop?: Hook[];
}

/** A number is soft and hard at once. */
type Ulimit = number | { soft: number; hard: number };

export interface Build extends Extensible {
  context?: string;
  dockerfile?: string;
  dockerfile_inline?: string;
  entitlements?: string[];
  args?: Record<string, string | null>;
  provenance?: string;
  sbom?: string;
  /** `id` or `id=path`, as `build --ssh` takes them. */
  ssh?: string[];
  labels?: Labels;
  cache_from?: string[];
  cache_to?: string[];
  no_cache?: boolean;
  additional_contexts?: Record<string, string>;
  pull?: boolean;
  extra_hosts?: string[];
  isolation?: string;
  network?: string;
  target?: string;
  secrets?: FileReference[];
  shm_size?: string;
  tags?: string[];
  ulimits?: Record<string, Ulimit>;
  platforms?: string[];
  privileged?: boolean;
}

/** What `watch` does when a file below `path` changes. */
export interface Trigger extends Extensible {
  path: string;
  action: string;
  target?: string;
  exec?: Hook;
  include?: string[];
  ignore?: string[];
  initial_sync?: boolean;
}

/** A command in a running container: `post_start`, `pre_stop`, `sync+exec`. */
export interface Hook extends Extensible {
  command?: string[] | null;
  user?: string;
  privileged?: boolean;
  working_dir?: string;
  environment?: Record<string, string | null>;
}

export interface BlkioConfig extends Extensible {
  weight?: number;
  weight_device?: { path: string; weight: number }[];
  device_read_bps?: ThrottleDevice[];
  device_read_iops?: ThrottleDevice[];
  device_write_bps?: ThrottleDevice[];
  device_write_iops?: ThrottleDevice[];
}

export interface ThrottleDevice extends Extensible {
  path: string;
  rate: string;
}

/** How a service sees a config or secret of the project. */
export interface FileReference extends Extensible {
  source?: string;
  target?: string;
  uid?: string;
  gid?: string;
  mode?: string;
}

export interface DependsOn extends Extensible {
  condition?: string;
  restart?: boolean;
  required: boolean;
}

export interface Deploy extends Extensible {
  mode?: string;
  replicas?: number;
  labels?: Labels;
  update_config?: UpdateConfig;
  rollback_config?: UpdateConfig;
  resources?: { limits?: Resource; reservations?: Resource };
  restart_policy?: { condition?: string; delay?: string; max_attempts?: number; window?: string };
  placement?: { constraints?: string[]; preferences?: { spread?: string }[]; max_replicas_per_node?: number };
  endpoint_mode?: string;
}

interface UpdateConfig extends Extensible {
  parallelism?: number;
  delay?: string;
  failure_action?: string;
  monitor?: string;
  max_failure_ratio?: number;
  order?: string;
}

export interface Resource extends Extensible {
  cpus?: number;
  memory?: string;
  pids?: number;
  devices?: DeviceRequest[];
  generic_resources?: { discrete_resource_spec?: { kind: string; value: number } }[];
}

/** `count` -1 is all. */
export interface DeviceRequest extends Extensible {
  capabilities?: string[];
  driver?: string;
  count?: number;
  device_ids?: string[];
  options?: Record<string, string>;
}

interface DeviceMapping extends Extensible {
  source?: string;
  target?: string;
  permissions?: string;
}

/** Printed as its path alone where it is required. */
export interface EnvFile {
  path: string;
  required: boolean;
  format?: string;
}

export interface Healthcheck extends Extensible {
  test?: string[];
  timeout?: string;
  interval?: string;
  retries?: number;
  start_period?: string;
  start_interval?: string;
  disable?: boolean;
}

export interface ServiceNetwork extends Extensible {
  aliases?: string[];
  driver_opts?: Record<string, string>;
  gw_priority?: number;
  interface_name?: string;
  ipv4_address?: string;
  ipv6_address?: string;
  link_local_ips?: string[];
  mac_address?: string;
  priority?: number;
}

export interface Port extends Extensible {
  name?: string;
  mode?: string;
  host_ip?: string;
  target?: number;
  published?: string;
  protocol?: string;
  app_protocol?: string;
}

export interface ServiceVolume extends Extensible {
  type?: string;
  source?: string;
  target?: string;
  read_only?: boolean;
  consistency?: string;
  /** `create_host_path` absent is false: loading writes the default, true, out. */
  bind?: { selinux?: string; propagation?: string; create_host_path?: boolean; recursive?: string };
  volume?: { labels?: Labels; nocopy?: boolean; subpath?: string };
  tmpfs?: { size?: string; mode?: number };
  image?: { subpath?: string };
}

export interface Network extends Extensible {
  /** In the engine. */
  name?: string;
  driver?: string;
  driver_opts?: Record<string, string>;
  ipam?: { driver?: string; config?: IpamPool[]; options?: Record<string, string> };
  external?: boolean;
  internal?: boolean;
  attachable?: boolean;
  labels?: Labels;
  enable_ipv4?: boolean;
  enable_ipv6?: boolean;
}

interface IpamPool extends Extensible {
  subnet?: string;
  gateway?: string;
  ip_range?: string;
  aux_addresses?: Record<string, string>;
}

export interface Volume extends Extensible {
  /** In the engine. */
  name?: string;
  driver?: string;
  driver_opts?: Record<string, string>;
  external?: boolean;
  labels?: Labels;
}

/** A config or secret of the project. `content` of what comes from `environment` is filled in, and never printed. */
export interface FileObject extends Extensible {
  name?: string;
  /** Absolute. */
  file?: string;
  environment?: string;
  content?: string;
  external?: boolean;
  labels?: Labels;
  driver?: string;
  driver_opts?: Record<string, string>;
  template_driver?: string;
}

interface Model extends Extensible {
  name?: string;
  model?: string;
  context_size?: number;
  runtime_flags?: string[];
}
