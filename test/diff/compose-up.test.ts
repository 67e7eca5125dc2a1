/** Projects brought up, changed and taken down, here and by docker compose: what is said, and what containers there are. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clearTheStage, ours, setTheStage } from '#test/support/compare.ts';
import { byDocker, byWherry, told } from '#test/support/compose-lines.ts';
import { docker, noDocker } from '#test/support/peers.ts';
import { testUser } from '#test/support/user.ts';

const QUICK = '{image: localhost/busybox, command: [sleep, "1000"], init: true, stop_grace_period: 0s';

/** Each: its files, the lines in their order, and the containers that are compared after the first of them. */
const PROJECTS: Record<string, { files: Record<string, string>; lines: string[]; inspected?: string[] }> = {
  cuplife: {
    files: {
      'compose.yaml': `
services:
  db: ${QUICK}, volumes: [data:/data]}
  web: ${QUICK}, depends_on: [db]}
volumes: {data: {labels: {kept: "yes"}}}
`,
    },
    lines: [
      'up -d',
      'up -d',
      'stop',
      'stop -t 0 web',
      'start',
      'start nosuch',
      'restart -t 0 web',
      'restart nosuch',
      '-p cupnosuch start',
      '-p cupnosuch stop',
      '-p cupnosuch restart',
      'pause web',
      'unpause web',
      'unpause web',
      'kill -s TERM web',
      'kill',
      'kill',
      'rm -f web',
      'rm -f nosuch',
      'rm -fsv',
      'rm -f',
      'up -d --no-start',
      'up -d db',
      'up -d --force-recreate --no-deps web',
      'up -d --build --no-build',
      'up -d --wait --attach web',
      'up -d --force-recreate --no-recreate',
      'up -d --pull nonsense',
      'up -d nosuch',
      'down nosuch',
      'down --rmi nonsense',
      'down web',
      'down -v',
      'down -v',
    ],
    inspected: ['cuplife-db-1', 'cuplife-web-1'],
  },
  cupscale: {
    files: { 'compose.yaml': `services:\n  a: ${QUICK}, scale: 2}\n  b: ${QUICK}, container_name: cupscale-own}\n` },
    lines: [
      'up -d',
      'up -d --scale a=3',
      'scale a=1',
      'scale a=x',
      'scale a',
      'scale nosuch=1',
      'scale b=2',
      'up -d --scale a=0',
      'up -d --scale nosuch=1',
      'up -d --scale a=b=c',
      'down',
    ],
    inspected: ['cupscale-a-1', 'cupscale-a-2', 'cupscale-own'],
  },
  cupwait: {
    files: {
      'compose.yaml': `
services:
  job: {image: localhost/busybox, command: ["true"]}
  late: ${QUICK}, depends_on: {job: {condition: service_completed_successfully}}}
  well: ${QUICK}, healthcheck: {test: ["CMD", "true"], interval: 1s}}
  after: ${QUICK}, depends_on: {well: {condition: service_healthy, restart: true}}}
`,
      'bad.yaml': `
services:
  job: {image: localhost/busybox, command: ["false"]}
  late: ${QUICK}, depends_on: {job: {condition: service_completed_successfully}}}
`,
      'lost.yaml': `
services:
  a: ${QUICK}, networks: [away]}
networks: {away: {external: true, name: cup-nosuch}}
`,
      'sick.yaml': `
services:
  sick: ${QUICK}, healthcheck: {test: ["CMD", "false"], interval: 1s, retries: 1}}
  late: ${QUICK}, depends_on: {sick: {condition: service_healthy}}}
`,
      'model.yaml':
        'services:\n  a: {image: localhost/busybox, depends_on: {b: {condition: service_healthy}}}\n  b: {image: localhost/busybox, command: [sleep, "9"], stop_grace_period: 0s}\n',
    },
    lines: [
      'up -d late after',
      'restart -t 0 after',
      'down',
      '-f bad.yaml up -d',
      '-f bad.yaml down',
      '-f lost.yaml up -d',
      '-f sick.yaml up -d',
      '-f sick.yaml down',
      '-f model.yaml up -d',
      '-f model.yaml down',
    ],
    inspected: [],
  },
  cupmuch: {
    files: {
      'a.conf': 'a\n',
      'compose.yaml': `
services:
  much:
    image: localhost/busybox
    command: [sleep, "1000"]
    init: true
    stop_grace_period: 0s
    hostname: here
    domainname: there
    user: "0:0"
    working_dir: /tmp
    environment: {A: "1", C: x y}
    labels: {l1: v1, l2: ""}
    cap_add: [NET_ADMIN]
    cap_drop: [MKNOD]
    tmpfs: ["/run:size=1m", /tmp]
    dns: [10.9.9.9]
    dns_search: [x.y]
    dns_opt: ["ndots:2"]
    extra_hosts: ["h1=10.0.0.1", "h2:10.0.0.2"]
    sysctls: {net.ipv4.ip_unprivileged_port_start: "80"}
    ulimits: {nofile: {soft: 100, hard: 200}}
    shm_size: 8m
    restart: on-failure:3
    stop_signal: SIGINT
    logging: {driver: json-file, options: {max-size: 1m}}
    security_opt: ["no-new-privileges:true"]
    group_add: ["10"]
    healthcheck: {test: "true", interval: 50s, timeout: 2s, retries: 2, start_period: 1s}
    annotations: {an: "1"}
    networks: {front: {aliases: [al], priority: 10}, back: {ipv4_address: 10.77.3.9}}
    volumes:
      - data:/data
      - ./a.conf:/a.conf:ro
      - {type: tmpfs, target: /t, tmpfs: {size: 1048576, mode: 448}}
      - {type: bind, source: ./a.conf, target: /b.conf, bind: {create_host_path: false}}
      - {type: volume, source: data, target: /nc, volume: {nocopy: true}}
    configs: [{source: c1}, {source: c2, target: /etc/c2, mode: 0440}]
    secrets: [{source: s1}]
  plain:
    image: localhost/busybox
    entrypoint: [sleep]
    command: "999"
    stop_grace_period: 0s
    network_mode: none
    read_only: true
    tty: true
    stdin_open: true
    deploy: {restart_policy: {condition: any}}
networks:
  front: {labels: {n: "1"}}
  back: {internal: true, ipam: {config: [{subnet: 10.77.3.0/24, gateway: 10.77.3.1}]}}
volumes: {data: {labels: {vl: "1"}}}
configs: {c1: {file: ./a.conf}, c2: {content: hello}}
secrets: {s1: {file: ./a.conf}}
`,
    },
    lines: ['up -d', 'up -d', 'down -v'],
    inspected: ['cupmuch-much-1', 'cupmuch-plain-1'],
  },
  cuplinks: {
    files: {
      'compose.yaml': `
services:
  db: ${QUICK}}
  web: ${QUICK}, links: ["db:store", db], external_links: ["cuplinks-db-1:far"]}
  old: ${QUICK}, network_mode: bridge}
  older: ${QUICK}, network_mode: bridge, links: [old]}
  part: ${QUICK}, cpu_count: 1, cpu_percent: 50}
`,
    },
    lines: [
      'up -d',
      'exec -T web sh -c "for name in store db-1 cuplinks-db-1 far; do ping -c 1 -w 5 $name >/dev/null || exit 1; done"',
      'exec -T older sh -c "ping -c 1 -w 5 old-1 >/dev/null"',
      'up -d --force-recreate db',
      'exec -T web sh -c "ping -c 1 -w 5 store >/dev/null"',
      'down',
    ],
    inspected: ['cuplinks-web-1', 'cuplinks-older-1'],
  },
  cupchange: {
    files: {
      'compose.yaml': `services:\n  a: ${QUICK}, volumes: [data:/data], networks: [n]}\nvolumes: {data: {}}\nnetworks: {n: {}}\n`,
      'new.yaml': `services:\n  a: ${QUICK}, volumes: [data:/data], networks: [n]}\nvolumes: {data: {labels: {x: y}}}\nnetworks: {n: {labels: {x: y}}}\n`,
    },
    lines: ['up -d', '-f new.yaml up -d', '-f new.yaml up -d -y', '-f new.yaml up -d', 'down -v'],
    inspected: ['cupchange-a-1'],
  },
  cuphook: {
    files: {
      'compose.yaml': `
services:
  late: ${QUICK}, pre_stop: [{command: [sh, -c, "exit 6"]}]}
  soon: ${QUICK}, post_start: [{command: [sh, -c, "test -e /tmp/once && exit 5; echo $$A $$(id -u) $$(pwd) >/tmp/once"], environment: [A=b], user: "5", working_dir: /tmp}]}
`,
    },
    lines: ['up -d', 'exec -T soon cat /tmp/once', 'stop late', 'kill late', 'rm -f', 'down'],
    inspected: [],
  },
  cupodd: {
    files: {
      'hosts.yaml': `services:\n  a: ${QUICK}, extra_hosts: ["h:nowhere"]}\n`,
      'mac.yaml': `services:\n  a: ${QUICK}, mac_address: nonsense}\n`,
      'pipe.yaml': `services:\n  a: ${QUICK}, volumes: [{type: npipe, source: x, target: /x}]}\n`,
      'profile.yaml': `services:\n  a: ${QUICK}, security_opt: ["seccomp=nosuch.json"]}\n`,
      'lost.yaml': `services:\n  a: ${QUICK}, volumes: [{type: bind, source: ./nosuch, target: /x, bind: {create_host_path: false}}]}\n`,
      'log.yaml': `services:\n  a: ${QUICK}, logging: {driver: none}}\n`,
    },
    lines: [
      '-f hosts.yaml up -d',
      '-f mac.yaml up -d',
      '-f pipe.yaml up -d',
      '-f profile.yaml up -d',
      '-f lost.yaml up -d',
      '-f log.yaml up -d',
      '-f log.yaml logs',
      '-f log.yaml down',
    ],
    inspected: [],
  },
  cuprun: {
    files: {
      'here.txt': 'here\n',
      'compose.yaml': `
services:
  db: ${QUICK}}
  web: ${QUICK}, depends_on: [db], environment: {WHO: me}, labels: {a: b}, mac_address: 02:42:ac:77:00:05}
`,
    },
    lines: [
      'run --rm -T web echo hi',
      'run --rm -T -e WHO=you -e NEW=1 web sh -c "echo $WHO $NEW; exit 3"',
      'run --rm -T --no-deps --entrypoint "echo a" web b',
      'run --rm -T -w /tmp -u 5 web sh -c "pwd; id -u"',
      'run --rm -T -p 1 --service-ports web true',
      'run --rm -T -l nope web true',
      'run --rm -T nosuch',
      'run --rm -T -v ./here.txt:/there:ro web cat /there',
      'run --rm -T -u nosuch web true',
      'ps -a --format {{.Name}}',
      'run -d -T --name cuprun-own -v /tmp:/there:ro -l x=y --cap-add NET_ADMIN --use-aliases web sleep 1000',
      'down --remove-orphans -t 0',
    ],
    inspected: ['cuprun-own'],
  },
};

/** Where both sides see it, by the same path. */
const folder = (project: string) => join(testUser().home, 'compose', project);

/** What a container was made of, in Docker's shape; what each engine adds by itself is left out. */
function asked(text: string): object {
  const [{ Config, HostConfig, NetworkSettings, Mounts }] = JSON.parse(text);
  const { Env, Hostname: _, ...config } = Config;
  delete config.Labels['com.docker.compose.slug'];
  const networks = Object.entries(
    NetworkSettings.Networks as Record<string, { Aliases: string[]; IPAMConfig: object }>,
  );
  return withoutEmpty({
    config,
    environment: Env.filter((entry: string) => !entry.startsWith('PATH=')).sort(),
    host: Object.fromEntries(Object.entries(HostConfig).filter(([key]) => !ENGINE.has(key))),
    networks: networks.map(([name, { Aliases, IPAMConfig }]) => ({ name, Aliases, IPAMConfig })),
    mounts: Mounts.map(({ Type, Destination, RW }: Record<string, unknown>) => ({ Type, Destination, RW })),
  }) as object;
}

const ENGINE = new Set([
  'CgroupnsMode',
  'Runtime',
  'MaskedPaths',
  'ReadonlyPaths',
  'ConsoleSize',
  'SecurityOpt',
  'OomKillDisable',
]);

/** Nothing is nothing, be it null, an empty list or no field at all; lists are in no order. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(withoutEmpty);
    return items.length === 0 ? undefined : items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) {
    return value === '' || value === 0 || value === false || value === null ? undefined : value;
  }
  const entries = Object.entries(value).map(([key, one]): [string, unknown] => [key, withoutEmpty(one)]);
  const kept = entries.filter(([, one]) => one !== undefined);
  return kept.length === 0 ? undefined : Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe.skipIf(noDocker !== undefined)('a project', () => {
  beforeAll(async () => {
    await setTheStage([]);
    for (const [project, { files }] of Object.entries(PROJECTS)) {
      mkdirSync(folder(project), { recursive: true, mode: 0o755 });
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder(project), name), text);
    }
  });

  afterAll(async () => {
    for (const project of Object.keys(PROJECTS)) {
      byDocker(folder(project), 'down -v -t 0 --remove-orphans');
      await byWherry(folder(project), 'down -v -t 0 --remove-orphans');
    }
    await clearTheStage([]);
  });

  describe.each(Object.entries(PROJECTS))('%s', (project, { lines, inspected = [] }) => {
    const compared = inspected.length === 0 ? undefined : project === 'cuprun' ? lines.length - 2 : 0;

    test.each(lines.map((line, at) => [line, at] as const))('%s', async (line, at) => {
      expect(told(await byWherry(folder(project), line)), line).toEqual(told(byDocker(folder(project), line)));
      if (at !== compared) return;
      for (const name of inspected) {
        const [mine, other] = [await ours(['inspect', name]), docker(['inspect', name])];
        expect(asked(mine.stdout), name).toEqual(asked(other.stdout));
      }
    });
  });
});
