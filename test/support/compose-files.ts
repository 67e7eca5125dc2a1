// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of compose files
/**
 * Compose files of our own, an attribute each, short and long forms: what `config` prints of them is compared with docker
 * compose (test/diff). A case is the body of a service `web` with an image, or a whole file where it starts with `services:`
 * or `name:`.
 */

/** Files that lie beside each case's compose.yaml. */
export const COMPOSE_ASIDE: Readonly<Record<string, string>> = {
  'a.env': 'FROM_FILE=one\n# comment\nQUOTED="two words"\nSINGLE=\'$HOME\'\nOVER=file\nINNER=${FROM_FILE}-x\n',
  'b.env': 'OVER=later\nexport EXPORTED=1\nEMPTY=\n',
  'c.env': 'RAW="kept"\nPASSED\n# no\nOVER=raw\n',
  'a.labels': 'from.file=one\nover=file\n',
  'secret.txt': 'hidden\n',
};

/** The service's body, in lines that are indented by the test. */
export const SERVICE_BODIES: Readonly<Record<string, string>> = {
  'annotations as a map': 'annotations: {b: 2, a: true, c: , d: "x=y"}',
  'annotations as a list': 'annotations: ["b=2", "a", "c="]',
  attach: 'attach: false',
  blkio_config: `blkio_config:
  weight: 300
  weight_device: [{path: /dev/sda, weight: 400}]
  device_read_bps: [{path: /dev/sdb, rate: '12mb'}]
  device_read_iops: [{path: /dev/sdb, rate: 120}]
  device_write_bps: [{path: /dev/sdb, rate: '1024k'}]
  device_write_iops: [{path: /dev/sdb, rate: 30}]`,
  'build as a path': 'build: ./dir',
  'build in full': `build:
  context: dir/../dir
  dockerfile: alt/Dockerfile
  args: {A: 1, B: , C: "x y", D: true}
  labels: [a=b, c]
  cache_from: [x, "type=local,src=."]
  cache_to: [y]
  no_cache: true
  pull: true
  additional_contexts: {res: ./res, img: docker-image://alpine, git: "https://github.com/a/b.git"}
  extra_hosts: ["a=1.2.3.4", "b:::1", "c=[fe80::1]"]
  isolation: default
  network: host
  target: prod
  shm_size: 128m
  tags: [t:1, t:2]
  ulimits: {nproc: 65535, nofile: {soft: 1, hard: 2}}
  platforms: [linux/amd64, linux/arm64]
  privileged: true
  entitlements: [network.host]
  provenance: mode=max
  sbom: true`,
  'build with arguments as a list and contexts as a list': `build:
  context: .
  args: [A=1, B, "C=x=y"]
  additional_contexts: [res=../res, "img=docker-image://alpine"]`,
  'build ssh default': 'build: {context: ., ssh: [default]}',
  'build ssh with a path': 'build: {context: ., ssh: ["k=./key"]}',
  'build ssh as a map': 'build: {context: ., ssh: {k: ~/key}}',
  'build inline': `build:
  context: https://github.com/a/b.git#main:dir
  dockerfile_inline: |
    FROM alpine
    RUN echo "$$HOME" \\
      && true
`,
  'build with provenance off': 'build: {context: ., provenance: false, sbom: false}',
  capabilities: 'cap_add: [ALL, NET_ADMIN]\ncap_drop: [SYS_ADMIN]',
  cgroup: 'cgroup: host\ncgroup_parent: m-executor',
  'command as text': `command: bundle exec "thin -p" 3000 it\\'s 'a "b"'`,
  'command as a list': 'command: ["a", "b c", "", "1", "true"]',
  'command of nothing': 'command: []\nentrypoint: []',
  'command as empty text': 'command: ""\nentrypoint: ""',
  'command of null': 'command:\nentrypoint: null',
  'command in a block': 'command: |\n  sh -c "echo a\n  echo b"',
  'command folded': 'command: >\n  sh -c\n  "echo a"',
  "command with a shell's signs": 'command: echo a > b',
  'command in several lines':
    'command:\n  - sh\n  - -c\n  - |\n    echo a\n      echo b\n\n    echo c\n  - "x\\ny"\n  - " lead\\n"\n  - "tab\\there"\n  - "trail \\nx"',
  container_name: 'container_name: my-web',
  'cpu limits':
    'cpu_count: 2\ncpu_shares: 73\ncpu_quota: 50000\ncpu_period: 20000\ncpu_rt_runtime: 400\ncpu_rt_period: 1400\ncpus: 0.1\ncpuset: 0-3',
  'cpus as text': 'cpus: "1.50"\ncpuset: "0,1"',
  credential_spec: 'credential_spec: {file: my.json}',
  'deploy in full': `deploy:
  mode: replicated
  replicas: 6
  endpoint_mode: dnsrr
  labels: {a: 1, b: "two"}
  update_config: {parallelism: 3, delay: 10s, failure_action: continue, monitor: 60s, max_failure_ratio: 0.3, order: start-first}
  rollback_config: {parallelism: 0, delay: 1m30s, order: stop-first}
  resources:
    limits: {cpus: '0.001', memory: 50M, pids: 100}
    reservations:
      cpus: '0.0001'
      memory: 20M
      generic_resources: [{discrete_resource_spec: {kind: gpu, value: 2}}, {discrete_resource_spec: {kind: ssd, value: 1}}]
  restart_policy: {condition: on-failure, delay: 5s, max_attempts: 3, window: 120s}
  placement:
    constraints: [node=foo]
    max_replicas_per_node: 5
    preferences: [{spread: node.labels.az}]`,
  'deploy of global mode': 'deploy: {mode: global, labels: ["a=1"]}',
  'deploy with nothing': 'deploy: {}',
  'deploy with devices': `deploy:
  resources:
    reservations:
      devices:
        - {driver: nvidia, count: 1, capabilities: [gpu, utility]}
        - {capabilities: [tpu], count: all}
        - {capabilities: [x], device_ids: ["0", "3"], options: {virt: false}}
        - capabilities: [y]`,
  develop: `develop:
  watch:
    - {path: ./src, action: sync, target: /app, ignore: [node_modules/], include: "*.ts", initial_sync: true}
    - {path: package.json, action: rebuild}
    - {path: ./conf, action: sync+restart, target: /etc/c}
    - {path: ./x, action: sync+exec, target: /x, exec: {command: [reload], user: root, working_dir: /, environment: [A=1]}}
    - {path: ./y, action: restart, ignore: one}`,
  'device rules': `device_cgroup_rules: ['c 1:3 mr', 'a 7:* rmw']`,
  'devices short': 'devices: ["/dev/a", "/dev/b:/dev/c", "/dev/d:/dev/e:rw", "vendor1.com/device=gpu"]',
  'devices long': 'devices: [{source: /dev/a, target: /dev/b, permissions: r}, {source: /dev/c, target: /dev/c}]',
  'dns as text': 'dns: 8.8.8.8\ndns_search: example.com\ndns_opt: [use-vc, no-tld-query]',
  'dns as lists': 'dns: [8.8.8.8, "", 9.9.9.9]\ndns_search: [a.com, b.com]',
  'domainname and hostname': 'domainname: foo.com\nhostname: web',
  'env_file as text': 'env_file: a.env',
  'env_file as a list': 'env_file: [a.env, ./b.env]\nenvironment: {OVER: here}',
  'env_file in long form':
    'env_file:\n  - path: ./a.env\n  - {path: absent.env, required: false}\n  - {path: c.env, required: true, format: raw}',
  'environment as a map': 'environment: {A: 1, B: , C: "", D: true, E: 1.50, F: "x y", G: null, H: "no", I: 0x10}',
  'environment as a list': 'environment: [A=1, B, "C=", "D=x=y", "E=  s ", CB_SET]',
  'environment with many kinds of text': `environment:
  A: "yes"
  B: "12:30"
  C: "0755"
  D: "1e3"
  E: "~"
  F: "null"
  G: "a: b"
  H: "a #b"
  I: "- x"
  J: "'quoted'"
  K: '"double"'
  L: "@at"
  M: "*star"
  N: "a\\tb"
  O: "é ü ☃"
  P: "😀"
  Q: "line1\\nline2"
  R: "line1\\nline2\\n"
  S: " lead"
  T: "trail "
  U: "[x]"
  V: "{x}"
  W: "%x"
  X: "a,b"
  Y: "?x"
  Z: ":x"
  AA: "2024-01-02"
  AB: "2024-01-02 10:11:12"
  AC: "2024-13-02"
  AD: ".5"
  AE: "1_000"
  AF: "0x1F"
  AG: "+1"
  AH: "1.2.3"
  AI: ".inf"
  AJ: "-"
  AK: "="
  AL: "<<"
  AM: "0o14"
  AN: "0b11"
  AO: "089"
  AP: "a\\\\b"
  AQ: "\\u0007"
  AR: "a:"
  AS: "#x"
  AT: "!x"
  AU: "|"
  AV: "x\\n\\n"
  AW: "\\n"
  AX: "a\\r\\nb"
  AY: "---"
  AZ: "--- x"
  BA: "..."
  BB: "22:22"
  BC: "1:2:3"
  BD: "-.5e-3"
  BE: "12e"
  BF: "TRUE"
  BG: "Off"
  BH: "y"
  BI: "2001-12-14t21:59:43.10-05:00"
  BJ: "2001-12-14T21:59:43Z"
  BK: "&a"
  BL: "it's"
  BM: "0"
  BN: "-0"
  BO: "00"`,
  'keys are sorted as numbers and letters':
    'environment: {a10: 1, a2: 1, B: 1, a: 1, _x: 1, a-b: 1, a_b: 1, a.b: 1, "1": 1, "10": 1, "2": 1, ab: 1, aB: 1}\nlabels: {com.a: 1, com.a.b: 1, com.10: 1, com.9: 1, "yes": 1, "12": 1, "a b": 1, "a: b": 1}',
  expose: 'expose: ["3000", 8000, "8080-8085/tcp"]',
  external_links: 'external_links: [redis, "db:mysql"]',
  'extra_hosts as a list': 'extra_hosts: ["b=1.2.3.4", "a:162.242.195.82", "v6=[::1]", "v6b:::1", "m=1.1.1.1,2.2.2.2"]',
  'extra_hosts as a map': 'extra_hosts: {b: 1.2.3.4, a: ["10.0.0.1", "::1"], h: host-gateway}',
  'gpus all': 'gpus: all',
  'gpus as a list': 'gpus: [{driver: x, count: 2}, {capabilities: [gpu]}, {device_ids: ["1"], options: [a=b]}]',
  group_add: 'group_add: [mail, 1000]',
  'healthcheck of text':
    'healthcheck: {test: curl -f http://localhost, interval: 1m30s, timeout: 10s, retries: 3, start_period: 40s, start_interval: 5s}',
  'healthcheck as a list': 'healthcheck: {test: ["CMD", "curl", "-f"], retries: 0}',
  'healthcheck off': 'healthcheck: {disable: true}',
  'healthcheck none': 'healthcheck: {test: ["NONE"], interval: 0s, timeout: 1h0m0.5s, start_period: 1d}',
  'image with a digest': 'image: "redis@sha256:0ed5d5928d4737458944eb604cc8509e245c3e19d02ad83935398bc4b991aac7"',
  init: 'init: true',
  'init off': 'init: false',
  'ipc and pid and uts': 'ipc: host\npid: "host"\nuts: "host"',
  'isolation and runtime': 'isolation: default\nruntime: runc',
  'labels as a map': 'labels: {b: 1, a: true, c: , "d.e": "x y", f: 1.0, g: 1.10}',
  'labels as a list': 'labels: ["b=1", "a", "c=", "d=x=y"]',
  label_file: 'label_file: a.labels\nlabels: {over: here}',
  'label_file as a list': 'label_file: [./a.labels]',
  logging: 'logging: {driver: json-file, options: {max-size: 10m, max-file: 3, x: , labels: "a,b"}}',
  mac_address: 'mac_address: 02:42:ac:11:65:43',
  memory:
    'mem_limit: 512m\nmem_reservation: 1.5GB\nmemswap_limit: 1g\nmem_swappiness: 60\noom_kill_disable: true\noom_score_adj: -500\nshm_size: "64mb"',
  'memory as numbers': 'mem_limit: 1000000000\nmemswap_limit: -1\nshm_size: 0',
  network_mode: 'network_mode: host',
  'pids_limit and platform': 'pids_limit: 10\nplatform: linux/arm64/v8',
  'ports short': `ports:
  - "3000"
  - "3000-3005"
  - "8000:8000"
  - "9090-9091:8080-8081"
  - "49100:22"
  - "8000-9000:80"
  - "127.0.0.1:8001:8001"
  - "127.0.0.1:5000-5010:5000-5010"
  - "6060:6060/udp"
  - "[::1]:6061:6061"
  - "127.0.0.1::7000"
  - 7777
  - "12400:12400/sctp"`,
  'ports long': `ports:
  - {target: 80, published: "8080", host_ip: 127.0.0.1, protocol: tcp, app_protocol: http, mode: host, name: web}
  - {target: 443, published: 8443}
  - {target: 53, published: "100-200", protocol: udp}
  - target: 9000`,
  'privileged and read_only': 'privileged: true\nread_only: true\ntty: true\nstdin_open: true',
  profiles: 'profiles: []',
  pull_policy: 'pull_policy: if_not_present',
  'pull_policy of a time': 'pull_policy: every_12h',
  restart: 'restart: "on-failure:3"',
  'restart no': 'restart: "no"',
  scale: 'scale: 3',
  'scale of zero': 'scale: 0',
  security_opt: 'security_opt: ["label=user:USER", "no-new-privileges:true"]',
  stop: 'stop_grace_period: 1m30s\nstop_signal: SIGUSR1',
  'stop at once': 'stop_grace_period: 0s',
  storage_opt: 'storage_opt: {size: 1G}',
  'sysctls as a map': 'sysctls: {net.core.somaxconn: 1024, net.ipv4.tcp_syncookies: "0"}',
  'sysctls as a list': 'sysctls: ["net.core.somaxconn=1024", "net.ipv4.tcp_syncookies=0"]',
  'tmpfs as text': 'tmpfs: /run',
  'tmpfs as a list': 'tmpfs: [/run, "/tmp:size=64m,mode=755"]',
  ulimits:
    'ulimits: {nproc: 65535, nofile: {soft: 20000, hard: 40000}, core: 0, rss: -1, memlock: {soft: 0, hard: -1}}',
  use_api_socket: 'use_api_socket: true',
  user: 'user: "1000:1000"',
  'user as a number': 'user: "1000"\nuserns_mode: "host"\nworking_dir: /app',
  'volumes short': `volumes:
  - /var/lib/mysql
  - /opt/data:/opt/mysql
  - ./cache:/tmp/cache/
  - ~/configs:/etc/configs/:ro
  - ../up:/up:rw,z
  - .:/code:rshared,Z
  - /a:/b:ro,rprivate
  - /c/../d:/e/../f`,
  'volumes long': `volumes:
  - {type: bind, source: ./a, target: /a, read_only: true, bind: {propagation: rshared, create_host_path: false, selinux: z, recursive: disabled}}
  - {type: bind, source: ./b, target: /b}
  - {type: tmpfs, target: /t, tmpfs: {size: 64m, mode: 0o1777}}
  - {type: tmpfs, target: /u, tmpfs: {size: 1000, mode: 01700}}
  - {type: volume, target: /anon, volume: {nocopy: true, labels: {a: 1}}}
  - {type: image, source: alpine, target: /i, image: {subpath: etc}}
  - {type: npipe, source: a, target: /n}
  - {type: bind, source: ~/h, target: /h/../k/, bind: {}, consistency: cached}`,
  'post_start and pre_stop': `post_start:
  - {command: "echo a b", user: root, privileged: true, working_dir: /w, environment: [A=1, B]}
  - {command: [x]}
pre_stop:
  - command: ./stop.sh
    environment: {C: 2}`,
  extensions:
    'x-own: {b: [1, {c: d}], a: text}\ndeploy: {x-in: 1}\nhealthcheck: {test: x, x-hc: [a]}\nlogging: {driver: none, x-log: true}',
  anchors: 'x-a: &a {A: "1", B: "2"}\nenvironment:\n  <<: *a\n  B: "3"',
  dollars: 'command: ["$$HOME", "a$${B}c"]\nenvironment: {A: "$$"}',
  interpolation:
    'image: "nginx:${CB_SET}"\nenvironment: {A: "${CB_SET:-x}", B: "${CB_UNSET:-d ${CB_SET}}", C: "${CB_UNSET-}", D: "${CB_SET:+alt}", E: $CB_SET}\ncpus: ${CB_NUMBER}\nscale: "${CB_NUMBER}"\nprivileged: "${CB_TRUE}"',
  provider: 'provider: {type: model, options: {model: x, many: [1, a], n: 5}}',
};

/** Whole files. */
export const COMPOSE_FILES: Readonly<Record<string, string>> = {
  'a name of its own': 'name: other\nservices: {a: {image: x}}',
  'depends_on as a list':
    'services: {a: {image: x, depends_on: [c, b]}, b: {image: x}, c: {image: x, depends_on: [b]}}',
  'depends_on as a map':
    'services: {a: {image: x, depends_on: {b: {condition: service_healthy, restart: true}, c: {condition: service_completed_successfully, required: false}}}, b: {image: x}, c: {image: x}}',
  'links and namespaces imply dependencies':
    'services: {a: {image: x, links: [b, "c:alias"], ipc: "service:d", pid: "service:d"}, b: {image: x}, c: {image: x}, d: {image: x, ipc: shareable}}',
  'network_mode of a service':
    'services: {a: {image: x, network_mode: "service:b"}, b: {image: x}, c: {image: x, network_mode: none}}',
  volumes_from: 'services: {a: {image: x, volumes_from: [b, "b:ro", "container:other:rw"]}, b: {image: x}}',
  'networks of a service as a list': 'services: {a: {image: x, networks: [b, a, default]}}\nnetworks: {a: , b: {}}',
  'networks of a service as a map':
    'services: {a: {image: x, networks: {a: {aliases: [x, y], ipv4_address: 172.16.238.10, ipv6_address: "2001:3984:3989::10", link_local_ips: [57.123.22.11], mac_address: "02:42:ac:11:65:43", priority: 1000, gw_priority: 1, driver_opts: {a: 1}, interface_name: eth7}, b: , c: {}}}}\nnetworks: {a: , b: , c: }',
  'networks in full':
    'services: {a: {image: x, networks: [n, e, f, g]}}\nnetworks:\n  n:\n    name: real-name\n    driver: overlay\n    driver_opts: {a: 1, b: "true"}\n    attachable: true\n    internal: true\n    enable_ipv4: false\n    enable_ipv6: true\n    labels: [a=b]\n    ipam: {driver: custom, config: [{subnet: 172.28.0.0/16, ip_range: 172.28.5.0/24, gateway: 172.28.5.254, aux_addresses: {host1: 172.28.1.5}}], options: {foo: bar}}\n    x-n: 1\n  e: {external: true}\n  f: {external: true, name: real}\n  g: {external: {name: old}}',
  'the default network with options':
    'services: {a: {image: x}}\nnetworks: {default: {driver: bridge, ipam: {config: [{subnet: 10.0.0.0/24}]}}}',
  'unused networks and volumes are left out':
    'services: {a: {image: x}}\nnetworks: {u: }\nvolumes: {v: }\nsecrets: {s: {file: a}}\nconfigs: {c: {file: b}}',
  'volumes in full':
    'services: {a: {image: x, volumes: ["v:/v", "w:/w:ro,nocopy", {type: volume, source: e, target: /e, volume: {nocopy: true, subpath: sub}}, "f:/f", "l:/l"]}}\nvolumes:\n  v:\n    driver: local\n    driver_opts: {type: nfs, o: "addr=10.40.0.199,nolock", device: ":/docker/example", n: 5}\n    labels: {a: 1}\n    x-v: [1]\n  w: {name: real-w}\n  e: {external: true}\n  f: {external: true, name: real}\n  l: {driver: local, driver_opts: {o: bind, type: none, device: ./dir}}',
  secrets:
    'services: {a: {image: x, secrets: [s, {source: t, target: other, uid: "103", gid: "103", mode: 0440}, {source: e, mode: "0600"}, {source: f}]}}\nsecrets: {s: {file: ./secret.txt}, t: {environment: CB_SET}, e: {external: true}, f: {file: ~/x, labels: [a=b], name: named, driver: d, driver_opts: {a: 1}, template_driver: t}}',
  configs:
    'services: {a: {image: x, configs: [s, {source: t, target: /etc/other, uid: "103", mode: 0440}, e, f, g]}}\nconfigs: {s: {file: ./secret.txt}, t: {content: "text $CB_SET\\nmore\\n"}, e: {external: true, name: real}, f: {environment: CB_SET}, g: {content: "one line", template_driver: golang, labels: {a: b}}}',
  'build secrets':
    'services: {a: {build: {context: ., secrets: [s, {source: t, target: x, uid: "1", mode: 0444}]}}}\nsecrets: {s: {file: ./secret.txt}, t: {environment: CB_SET}}',
  'additional contexts of a service':
    'services: {a: {build: {context: ., additional_contexts: {base: "service:b"}}}, b: {build: b}}',
  'profiles that are not active':
    'services: {a: {image: x}, b: {image: x, profiles: [p, q]}, c: {image: x, profiles: [p]}}',
  models:
    'services: {a: {image: x, models: [m]}, b: {image: x, models: {m: {endpoint_var: E, model_var: M}, n: }}}\nmodels: {m: {model: ai/x, context_size: 1024, runtime_flags: [--a]}, n: {model: ai/y, name: z}}',
  'a provider': 'services: {a: {provider: {type: model, options: {model: x}}}, b: {image: x, depends_on: [a]}}',
  'extensions everywhere':
    'services: {a: {image: x, networks: {n: {x-a: 1}}, volumes: [{type: bind, source: /a, target: /b, x-v: 1}], ports: [{target: 1, x-p: 2}], depends_on: {b: {condition: service_started, x-d: 1}}}, b: {image: x, build: {context: ., x-b: {z: 1, a: 2}}}}\nnetworks: {n: {x-n: 1, ipam: {x-i: 1}}}\nx-top: {b: [a, {c: }], a: 1}\nx-list: [1, two]',
  'many documents': 'services: {a: {image: x}}\n---\nservices: {b: {image: y}}',
  'old version key': 'version: "3.8"\nservices: {a: {image: x}}',
  'names of services':
    'services: {A_b.c-1: {image: x}, "10": {image: y}, "9": {image: z}, a10: {image: x}, a9: {image: x}}',
  'anchors between services':
    'x-base: &base\n  image: x\n  environment: &env {A: 1}\nservices:\n  a: *base\n  b:\n    <<: *base\n    environment:\n      <<: *env\n      B: 2',
};

/** Files that compose refuses; its words are compared. */
export const REFUSED_FILES: Readonly<Record<string, string>> = {
  'neither an image nor a build': 'services: {a: {command: x}}',
  'an undefined network': 'services: {a: {image: x, networks: [n]}}',
  'an undefined volume': 'services: {a: {image: x, volumes: ["vol:/v"]}}',
  'an undefined secret': 'services: {a: {image: x, secrets: [s]}}',
  'an undefined config': 'services: {a: {image: x, configs: [s]}}',
  'an undefined build secret': 'services: {a: {build: {context: ., secrets: [s]}}}',
  'an undefined dependency': 'services: {a: {image: x, depends_on: [b]}}',
  'a dependency that no profile activates': 'services: {a: {image: x, depends_on: [b]}, b: {image: x, profiles: [p]}}',
  'services that wait for each other': 'services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}',
  'a service that waits for itself': 'services: {a: {image: x, depends_on: [a]}}',
  'network_mode and networks': 'services: {a: {image: x, network_mode: host, networks: [default]}}',
  'network_mode of nobody': 'services: {a: {image: x, network_mode: "service:b"}}',
  'a health check of unknown kind': 'services: {a: {image: x, healthcheck: {test: [curl]}}}',
  'scale and replicas': 'services: {a: {image: x, scale: 2, deploy: {replicas: 3}}}',
  'one name for several containers': 'services: {a: {image: x, container_name: same, scale: 2}}',
  'two limits of memory': 'services: {a: {image: x, mem_limit: 1g, deploy: {resources: {limits: {memory: 2g}}}}}',
  'two limits of processors': 'services: {a: {image: x, cpus: 1, deploy: {resources: {limits: {cpus: "2"}}}}}',
  'a mount twice': 'services: {a: {image: x, tmpfs: [/a], volumes: ["/x:/a"]}}',
  'a volume of bad parts': 'services: {a: {image: x, volumes: ["ab:bc:ro:d"]}}',
  'a volume with an empty part': 'services: {a: {image: x, volumes: ["ab::c"]}}',
  'a port that is none': 'services: {a: {image: x, ports: ["x:y"]}}',
  'a range of ports that does not fit': 'services: {a: {image: x, ports: ["1-2:1-3"]}}',
  'an address that is none': 'services: {a: {image: x, ports: [{target: 1, host_ip: x}]}}',
  'a command with open quotes': `services: {a: {image: x, command: "a 'b"}}`,
  'a device of bad parts': 'services: {a: {image: x, devices: ["a:b:c:d"]}}',
  'a secret of nothing': 'services: {a: {image: x, secrets: [s]}}\nsecrets: {s: {}}',
  'a secret of two things': 'services: {a: {image: x, secrets: [s]}}\nsecrets: {s: {file: a, environment: B}}',
  'an external volume with options': 'services: {a: {image: x}}\nvolumes: {v: {external: true, driver: local}}',
  'a bind mount of nothing': 'services: {a: {image: x, volumes: [{type: bind, target: /a}]}}',
  'count and ids of devices': 'services: {a: {image: x, gpus: [{count: 1, device_ids: ["0"]}]}}',
  'an env_file that is not there': 'services: {a: {image: x, env_file: none.env}}',
  'a label_file that is not there': 'services: {a: {image: x, label_file: none}}',
  'two dockerfiles': 'services: {a: {build: {context: ., dockerfile: a, dockerfile_inline: b}}}',
  'a platform that is not built':
    'services: {a: {platform: linux/amd64, build: {context: ., platforms: [linux/arm64]}}}',
  'a watch without a target': 'services: {a: {image: x, develop: {watch: [{path: ., action: sync}]}}}',
  'an ssh key without a path': 'services: {a: {build: {context: ., ssh: [key]}}}',
  'a host without an address': 'services: {a: {image: x, extra_hosts: [a]}}',
  'a size that is none': 'services: {a: {image: x, mem_limit: 1x}}',
};
