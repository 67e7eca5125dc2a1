/** The shapes of a compose file, key by key: a table for schema.ts. What is said here is what docker compose 2.40 takes. */

type Kind = 'mapping' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'null';

/** One shape or one of several. */
export type Shape =
  | { oneOf: readonly Shape[] }
  | {
      /** Any of these kinds; without: anything. */
      kinds?: readonly Kind[];
      /** Of a map: its keys. `x-…` goes beside them unless it isPlain. */
      fields?: Readonly<Record<string, Shape>>;
      isPlain?: true;
      /** Other keys are passed over. */
      isOpen?: true;
      required?: readonly string[];
      /** Of a list its items; of a map the values whose keys are not fields, where names fit. */
      item?: Shape;
      names?: RegExp;
      /** No two items are equal. */
      isSet?: true;
      values?: readonly string[];
      pattern?: RegExp;
      minimum?: number;
      maximum?: number;
    };

const of = (...kinds: Kind[]): Shape => ({ kinds });
const text = of('string');
const bool = of('boolean', 'string');
const int = of('integer', 'string');
const number = of('number', 'string');
const texts: Shape = { kinds: ['array'], item: text };
const textSet: Shape = { kinds: ['array'], item: text, isSet: true };
const textOrList: Shape = { oneOf: [text, textSet] };
const command: Shape = { oneOf: [of('null'), text, texts] };
const word = (...values: string[]): Shape => ({ kinds: ['string'], values });

const map = (fields: Readonly<Record<string, Shape>>, ...required: string[]): Shape => ({
  kinds: ['mapping'],
  fields,
  required,
});
/** Without `x-…`. */
const plainMap = (fields: Readonly<Record<string, Shape>>, ...required: string[]): Shape => ({
  kinds: ['mapping'],
  fields,
  required,
  isPlain: true,
});
const list = (item: Shape): Shape => ({ kinds: ['array'], item });
const set = (item: Shape): Shape => ({ kinds: ['array'], item, isSet: true });
const either = (...oneOf: Shape[]): Shape => ({ oneOf });
const ANY_NAME = /^.+$/;
/** A map of names of the user's; what isn't a name is refused. */
const named = (item: Shape, names = ANY_NAME): Shape => ({ kinds: ['mapping'], item, names });
/** The same, but what isn't a name is passed over. */
const loose = (item: Shape, names = ANY_NAME): Shape => ({ kinds: ['mapping'], item, names, isOpen: true });
const nullable = (shape: Shape): Shape =>
  'oneOf' in shape ? shape : { ...shape, kinds: [...(shape.kinds ?? []), 'null'] };

const NAME = /^[a-zA-Z0-9._-]+$/;
const pairs: Shape = either(named(of('boolean', 'null', 'number', 'string'), /.+/), textSet);
const options: Shape = loose(of('number', 'string'));
const extraHosts: Shape = either(named(either(text, texts), /.+/), textSet);
const ulimits: Shape = loose(either(int, map({ hard: int, soft: int }, 'soft', 'hard')), /^[a-z]+$/);
const fileReferences: Shape = list(
  either(text, map({ source: text, target: text, uid: text, gid: text, mode: number })),
);

const build: Shape = map({
  context: text,
  dockerfile: text,
  dockerfile_inline: text,
  entitlements: texts,
  args: pairs,
  ssh: pairs,
  labels: pairs,
  cache_from: texts,
  cache_to: texts,
  no_cache: bool,
  additional_contexts: pairs,
  network: text,
  provenance: bool,
  sbom: bool,
  pull: bool,
  target: text,
  shm_size: int,
  extra_hosts: extraHosts,
  isolation: text,
  privileged: bool,
  secrets: fileReferences,
  tags: texts,
  ulimits,
  platforms: texts,
});

const rate: Shape = plainMap({ path: text, rate: int });
const blkio: Shape = plainMap({
  device_read_bps: list(rate),
  device_read_iops: list(rate),
  device_write_bps: list(rate),
  device_write_iops: list(rate),
  weight: int,
  weight_device: list(plainMap({ path: text, weight: int })),
});

const hook: Shape = map({ command, user: text, privileged: bool, working_dir: text, environment: pairs }, 'command');

const develop: Shape = nullable(
  map({
    watch: list(
      map(
        {
          ignore: textOrList,
          include: textOrList,
          path: text,
          action: word('rebuild', 'sync', 'restart', 'sync+restart', 'sync+exec'),
          target: text,
          exec: hook,
          initial_sync: of('boolean'),
        },
        'path',
        'action',
      ),
    ),
  }),
);

const deviceRequest = {
  capabilities: textSet,
  count: int,
  device_ids: textSet,
  driver: text,
  options: pairs,
};

const rollout: Shape = map({
  parallelism: int,
  delay: text,
  failure_action: text,
  monitor: text,
  max_failure_ratio: number,
  order: word('start-first', 'stop-first'),
});

const deploy: Shape = nullable(
  map({
    mode: text,
    endpoint_mode: text,
    replicas: int,
    labels: pairs,
    rollback_config: rollout,
    update_config: rollout,
    resources: map({
      limits: map({ cpus: number, memory: text, pids: int }),
      reservations: map({
        cpus: number,
        memory: text,
        generic_resources: list(map({ discrete_resource_spec: map({ kind: text, value: number }) })),
        devices: list(map(deviceRequest, 'capabilities')),
      }),
    }),
    restart_policy: map({ condition: text, delay: text, max_attempts: int, window: text }),
    placement: map({
      constraints: texts,
      preferences: list(map({ spread: text })),
      max_replicas_per_node: int,
    }),
  }),
);

const dependsOn: Shape = either(
  textSet,
  named(
    map(
      {
        restart: bool,
        required: of('boolean'),
        condition: word('service_started', 'service_healthy', 'service_completed_successfully'),
      },
      'condition',
    ),
    NAME,
  ),
);

const attachment: Shape = nullable(
  map({
    aliases: textSet,
    interface_name: text,
    ipv4_address: text,
    ipv6_address: text,
    link_local_ips: textSet,
    mac_address: text,
    driver_opts: options,
    priority: of('number'),
    gw_priority: of('number'),
  }),
);

const mount: Shape = map(
  {
    type: word('bind', 'volume', 'tmpfs', 'cluster', 'npipe', 'image'),
    source: text,
    target: text,
    read_only: bool,
    consistency: text,
    bind: map({
      propagation: text,
      create_host_path: bool,
      recursive: word('enabled', 'disabled', 'writable', 'readonly'),
      selinux: word('z', 'Z'),
    }),
    volume: map({ labels: pairs, nocopy: bool, subpath: text }),
    tmpfs: map({ size: either({ kinds: ['integer'], minimum: 0 }, text), mode: number }),
    image: map({ subpath: text }),
  },
  'type',
);

const port: Shape = map({
  name: text,
  mode: text,
  host_ip: text,
  target: int,
  published: int,
  protocol: text,
  app_protocol: text,
});

const service: Shape = map({
  develop,
  deploy,
  annotations: pairs,
  attach: bool,
  build: either(text, build),
  blkio_config: blkio,
  cap_add: textSet,
  cap_drop: textSet,
  cgroup: word('host', 'private'),
  cgroup_parent: text,
  command,
  configs: fileReferences,
  container_name: { kinds: ['string'], pattern: /[a-zA-Z0-9][a-zA-Z0-9_.-]+/ },
  cpu_count: either(text, { kinds: ['integer'], minimum: 0 }),
  cpu_percent: either(text, { kinds: ['integer'], minimum: 0, maximum: 100 }),
  cpu_shares: number,
  cpu_quota: number,
  cpu_period: number,
  cpu_rt_period: number,
  cpu_rt_runtime: number,
  cpus: number,
  cpuset: text,
  credential_spec: map({ config: text, file: text, registry: text }),
  depends_on: dependsOn,
  device_cgroup_rules: textSet,
  devices: list(either(text, map({ source: text, target: text, permissions: text }, 'source'))),
  dns: textOrList,
  dns_opt: textSet,
  dns_search: textOrList,
  domainname: text,
  entrypoint: command,
  env_file: either(text, list(either(text, plainMap({ path: text, format: text, required: bool }, 'path')))),
  label_file: either(text, texts),
  environment: pairs,
  expose: set(of('number', 'string')),
  extends: either(text, plainMap({ service: text, file: text }, 'service')),
  provider: map(
    {
      type: text,
      options: loose(either(of('boolean', 'number', 'string'), list(of('boolean', 'number', 'string')))),
    },
    'type',
  ),
  external_links: textSet,
  extra_hosts: extraHosts,
  gpus: either(word('all'), list({ kinds: ['mapping'], fields: deviceRequest, isOpen: true })),
  group_add: set(of('number', 'string')),
  healthcheck: map({
    disable: bool,
    interval: text,
    retries: number,
    test: either(text, texts),
    timeout: text,
    start_period: text,
    start_interval: text,
  }),
  hostname: text,
  image: text,
  init: bool,
  ipc: text,
  isolation: text,
  labels: pairs,
  links: textSet,
  logging: map({ driver: text, options: loose(of('null', 'number', 'string')) }),
  mac_address: text,
  mem_limit: number,
  mem_reservation: int,
  mem_swappiness: int,
  memswap_limit: number,
  network_mode: text,
  models: either(textSet, loose(either(map({ endpoint_var: text, model_var: text }), of('null')), NAME)),
  networks: either(textSet, named(attachment, NAME)),
  oom_kill_disable: bool,
  oom_score_adj: either(text, { kinds: ['integer'], minimum: -1000, maximum: 1000 }),
  pid: of('string', 'null'),
  pids_limit: number,
  platform: text,
  ports: set(either(of('number'), text, port)),
  post_start: list(hook),
  pre_stop: list(hook),
  privileged: bool,
  profiles: textSet,
  pull_policy: {
    kinds: ['string'],
    pattern: /always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+/,
  },
  pull_refresh_after: text,
  read_only: bool,
  restart: text,
  runtime: text,
  scale: int,
  security_opt: textSet,
  shm_size: number,
  secrets: fileReferences,
  sysctls: pairs,
  stdin_open: bool,
  stop_grace_period: text,
  stop_signal: text,
  storage_opt: of('mapping'),
  tmpfs: textOrList,
  tty: bool,
  ulimits,
  use_api_socket: of('boolean'),
  user: text,
  uts: text,
  userns_mode: text,
  volumes: set(either(text, mount)),
  volumes_from: textSet,
  working_dir: text,
});

const external: Shape = { kinds: ['boolean', 'string', 'mapping'], fields: { name: text } };
const openExternal: Shape = { kinds: ['boolean', 'string', 'mapping'], fields: { name: text }, isOpen: true };

const network: Shape = nullable(
  map({
    name: text,
    driver: text,
    driver_opts: options,
    ipam: map({
      driver: text,
      config: list(map({ subnet: text, ip_range: text, gateway: text, aux_addresses: named(text) })),
      options: named(text),
    }),
    external,
    internal: bool,
    enable_ipv4: bool,
    enable_ipv6: bool,
    attachable: bool,
    labels: pairs,
  }),
);

const volume: Shape = nullable(map({ name: text, driver: text, driver_opts: options, external, labels: pairs }));

const secret: Shape = map({
  name: text,
  environment: text,
  file: text,
  external: openExternal,
  labels: pairs,
  driver: text,
  driver_opts: options,
  template_driver: text,
});

const config: Shape = map({
  name: text,
  content: text,
  environment: text,
  file: text,
  external: openExternal,
  labels: pairs,
  template_driver: text,
});

const model: Shape = map({ name: text, model: text, context_size: of('integer'), runtime_flags: texts }, 'model');

/** A whole file. */
export const FILE: Shape = map({
  version: text,
  name: text,
  include: list(either(text, plainMap({ path: textOrList, env_file: textOrList, project_directory: text }))),
  services: named(service, NAME),
  models: loose(model, NAME),
  networks: loose(network, NAME),
  volumes: named(volume, NAME),
  secrets: named(secret, NAME),
  configs: named(config, NAME),
});
