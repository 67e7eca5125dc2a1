// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables are those of compose files
/**
 * Projects of our own, a rule of loading each: what `config` prints of them is compared with docker compose (test/diff).
 * Files are told apart by lines `== path`; what is before the first is compose.yaml.
 */

export interface LoadCase {
  files: string;
  /** Before `config`. */
  args?: string;
  /** Behind it. */
  verb?: string;
  env?: Readonly<Record<string, string>>;
  /** Where it is called, below the project's directory. */
  cwd?: string;
  input?: string;
  /** Only that both refuse is compared: where docker compose's words are YAML's own or come in any order. */
  refused?: true;
}

const WEB = 'services: {web: {image: x}}\n';
/** compose.yaml and an override, each the body of one service. */
const over = (one: string, two: string): LoadCase => ({
  files: `services: {web: {image: x, ${one}}}\n== compose.override.yaml\nservices: {web: {${two}}}\n`,
});
/** A service's one attribute. */
const attribute = (text: string, env?: Readonly<Record<string, string>>): LoadCase => ({
  files: `services:\n  web:\n    image: x\n    ${text}\n`,
  ...(env === undefined ? {} : { env }),
});
/** The text of a label, as interpolation makes it. */
const value = (text: string): LoadCase => ({
  files: `services: {web: {image: x, labels: {v: ${JSON.stringify(text)}}}}\n`,
  env: { A: 'a', EMPTY: '', B_2: 'b', _C: 'c', lower: 'l' },
});

const MERGED: Readonly<Record<string, LoadCase>> = {
  'an image is replaced': over('user: a', 'image: y, user: b'),
  'a null leaves what is there': over('user: a, ports: ["80:80"], labels: {a: b}', 'user: , ports: , labels: '),
  'commands are replaced': over('command: [a, b], entrypoint: e f', 'command: c, entrypoint: [g]'),
  'a command goes by null': over('command: [a, b]', 'command: '),
  'environment as map and list': over('environment: {A: 1, B: 2, D: }', 'environment: [B=3, C=4, D=5]'),
  'environment as list and map': over(
    'environment: [A=1, B, C=], env_file: []',
    'environment: {B: x, C: true, E: 1.50}',
  ),
  'labels as list and map': over('labels: [a=1, b=2]', 'labels: {b: 3, c: null}'),
  'labels as a map twice': over('labels: {a: 1, b: 2}', 'labels: {b: 3}'),
  annotations: over('annotations: [a=1]', 'annotations: {a: 2, b: 3}'),
  'build short and long': over('build: ./a', 'build: {target: t, args: [A=1]}'),
  'build long and short': over('build: {context: a, target: t, args: {A: 1}}', 'build: b'),
  'build in parts': over(
    'build: {context: ., args: {A: 1, B: 2}, labels: [l=1], tags: [t1, t2], additional_contexts: [c=./d], extra_hosts: ["h=1.1.1.1"], cache_from: [a], secrets: []}',
    'build: {args: [B=3, C], labels: {l: 2}, tags: [t2, t3], additional_contexts: {c: ./e, f: ./g}, extra_hosts: {h: 1.1.1.1, i: 2.2.2.2}, cache_from: [b]}',
  ),
  'capabilities once': over('cap_add: [A, B], cap_drop: [ALL]', 'cap_add: [B, C], cap_drop: [ALL]'),
  'depends_on short and long': {
    files:
      'services: {web: {image: x, depends_on: [db]}, db: {image: y}, c: {image: z}}\n== compose.override.yaml\nservices: {web: {depends_on: {db: {condition: service_healthy, restart: true}, c: {condition: service_started, required: false}}}}\n',
  },
  'depends_on long and short': {
    files:
      'services: {web: {image: x, depends_on: {db: {condition: service_healthy}}}, db: {image: y}, c: {image: z}}\n== compose.override.yaml\nservices: {web: {depends_on: [db, c]}}\n',
  },
  'deploy in parts': over(
    'deploy: {replicas: 2, labels: [a=1], resources: {limits: {cpus: "0.5", memory: 50M}}, placement: {constraints: [a]}}',
    'deploy: {replicas: 3, labels: {a: 2, b: 3}, resources: {limits: {memory: 1G}}, placement: {constraints: [b]}}',
  ),
  'devices by target': over('devices: ["/dev/a:/dev/x", /dev/b]', 'devices: ["/dev/c:/dev/x", "/dev/b:/dev/b:r"]'),
  'dns is joined': over(
    'dns: 1.1.1.1, dns_search: a, dns_opt: [x]',
    'dns: [2.2.2.2, 1.1.1.1], dns_search: [b], dns_opt: [y, z]',
  ),
  'empty dns goes': over('dns: ["", 1.1.1.1]', 'user: b'),
  'env files are joined': {
    files:
      'services: {web: {image: x, env_file: a.env}}\n== compose.override.yaml\nservices: {web: {env_file: [b.env, {path: c.env, required: false}, a.env]}}\n== a.env\nA=1\nB=1\n== b.env\nB=2\n',
  },
  'exposed once': over('expose: ["80", 81]', 'expose: [80, "82"]'),
  'hosts once': over('extra_hosts: ["a:1.1.1.1", "b:1.1.1.1"]', 'extra_hosts: ["a=2.2.2.2", "b:1.1.1.1"]'),
  'hosts as maps': over('extra_hosts: {a: 1.1.1.1}', 'extra_hosts: {a: [1.1.1.1, 2.2.2.2], b: 3.3.3.3}'),
  'a health check in parts': over(
    'healthcheck: {test: [CMD, a], interval: 5s, retries: 2}',
    'healthcheck: {test: curl x, timeout: 1m}',
  ),
  'links once': over('links: [web2, "web2:a"], external_links: [a]', 'links: [web2], external_links: [a, b]'),
  'logging of one driver': over(
    'logging: {driver: json-file, options: {max-size: 1m, a: b}}',
    'logging: {driver: json-file, options: {max-size: 2m}}',
  ),
  'logging of two drivers': over('logging: {driver: json-file, options: {max-size: 1m}}', 'logging: {driver: none}'),
  'logging without a driver': over(
    'logging: {driver: json-file, options: {max-size: 1m}}',
    'logging: {options: {b: 2}}',
  ),
  'networks short and long': {
    files:
      'services: {web: {image: x, networks: [a, b]}}\nnetworks: {a: , b: , c: }\n== compose.override.yaml\nservices: {web: {networks: {b: {aliases: [z]}, c: {priority: 5}}}}\n',
  },
  'network aliases are joined': {
    files:
      'services: {web: {image: x, networks: {a: {aliases: [p, q]}}}}\nnetworks: {a: {labels: {l: 1}}}\n== compose.override.yaml\nservices: {web: {networks: {a: {aliases: [q, r], ipv4_address: 10.1.1.1}}}}\nnetworks: {a: {driver: bridge, labels: [l=2, m=3]}}\n',
  },
  'subnets by themselves': {
    files:
      'services: {web: {image: x, networks: [a]}}\nnetworks: {a: {ipam: {config: [{subnet: 10.1.0.0/16, gateway: 10.1.0.1}, {subnet: 10.2.0.0/16}], options: {x: y}}}}\n== compose.override.yaml\nnetworks: {a: {ipam: {config: [{subnet: 10.2.0.0/16, gateway: 10.2.0.1}, {subnet: 10.3.0.0/16}], options: {x: z}}}}\n',
  },
  'ports as texts': over('ports: ["80:80", "81:81"]', 'ports: ["80:80", "82:81"]'),
  'ports long and short': over(
    'ports: [{target: 80, published: "8080"}, 90]',
    'ports: ["8080:80", {target: 80, published: "8080", protocol: udp}, "127.0.0.1:8080:80"]',
  ),
  'ranges of ports': over('ports: ["8000-8002:80-82"]', 'ports: ["8001:81", "9000:82/udp"]'),
  'profiles once': { ...over('profiles: [a, b]', 'profiles: [b, c]'), args: '--profile c' },
  'secrets and configs by target': {
    files:
      'services: {web: {image: x, secrets: [s, {source: t, target: /t}], configs: [c]}}\nsecrets: {s: {file: ./s}, t: {file: ./t}}\nconfigs: {c: {file: ./c}, d: {content: hello}}\n== compose.override.yaml\nservices: {web: {secrets: [{source: t, target: s}, {source: s, target: /t, mode: 0440}], configs: [{source: d, target: /c, uid: "5"}]}}\nsecrets: {t: {file: /other}}\n',
  },
  'sysctls as map and list': over('sysctls: {a: 1, b: 2}', 'sysctls: [a=3, c=4]'),
  'tmpfs as text and list': over('tmpfs: /a', 'tmpfs: [/b, "/c:size=1m"]'),
  'ulimits are replaced': over(
    'ulimits: {nproc: 5, nofile: {soft: 1, hard: 2}}',
    'ulimits: {nproc: {soft: 6, hard: 7}, nofile: 9}',
  ),
  'volumes by target': {
    files:
      'services: {web: {image: x, volumes: ["a:/x", ./b:/y, /z]}}\nvolumes: {a: , c: {labels: [l=1]}}\n== compose.override.yaml\nservices: {web: {volumes: ["c:/x:ro", {type: tmpfs, target: /y}, "a:/w"]}}\nvolumes: {c: {labels: {l: 2, m: 3}, driver_opts: {o: p}}}\n',
  },
  'security options are joined': over(
    'security_opt: [a], group_add: [1], volumes_from: []',
    'security_opt: [b], group_add: [staff]',
  ),
  'extensions are joined': {
    files:
      'x-a: {b: 1, c: [1]}\nservices: {web: {image: x, x-d: {e: 1}}}\n== compose.override.yaml\nx-a: {b: 2, c: [2]}\nservices: {web: {x-d: {f: 2}}}\n',
  },
  'services of both files': {
    files: `${WEB}== compose.override.yaml\nservices: {db: {image: y}}\nvolumes: {unused: }\n`,
  },
  'three files': {
    args: '-f a.yaml -f b.yaml -f sub/c.yaml',
    files:
      '== a.yaml\nservices: {web: {image: x, environment: [A=1]}}\n== b.yaml\nservices: {web: {environment: [A=2]}}\n== sub/c.yaml\nservices: {web: {environment: [A=3, B=1], build: ./here}}\n',
  },
  'documents of one file': {
    files: 'services: {web: {image: x, labels: [a=1]}}\n---\nservices: {web: {labels: [a=2, b=3]}}\n---\nname: third\n',
  },
  'anchors and merge keys': {
    files:
      'x-base: &base {image: x, environment: &env {A: 1, B: 2}}\nservices:\n  web:\n    <<: *base\n    environment: {<<: *env, B: 3}\n  two: {<<: [*base, {user: u}], image: y}\n',
  },
  'a map cannot become a list': { ...over('healthcheck: {test: a}', 'healthcheck: [a]') },
  'a list cannot become a map': { ...over('cap_add: [a]', 'cap_add: {a: b}') },
  '!reset of a text': over('user: a, command: c', 'user: !reset null'),
  '!reset of a list': over('ports: ["80:80"], labels: {a: b}', 'ports: !reset []'),
  '!reset of a key': over(
    'environment: {A: 1, B: 2}, deploy: {replicas: 2}',
    'environment: {A: !reset null}, deploy: !reset {}',
  ),
  '!reset below a service': over('healthcheck: {test: a, interval: 5s}', 'healthcheck: {interval: !reset 0}'),
  '!override of a list': over('ports: ["80:80"]', 'ports: !override ["81:81"]'),
  '!override of a map': over('environment: {A: 1, B: 2}', 'environment: !override {C: 3}'),
  '!reset of a service': {
    files: 'services: {web: {image: x}, db: {image: y}}\n== compose.override.yaml\nservices: {db: !reset null}\n',
  },
  '!override of a service': {
    files: 'services: {web: {image: x, user: a}}\n== compose.override.yaml\nservices: {web: !override {image: y}}\n',
  },
  '!reset by an anchor': over('user: a, hostname: h', 'user: &r !reset null, hostname: *r'),
};

const VALUES: Readonly<Record<string, LoadCase>> = Object.fromEntries(
  [
    '$A ${A} $B_2 ${_C}',
    '$$A $${A} $$$A',
    '${A:-x}${EMPTY:-x}${NONE:-x}',
    '${A-x}${EMPTY-x}${NONE-x}',
    '${A:+x}${EMPTY:+x}${NONE:+x}',
    '${A+x}${EMPTY+x}${NONE+x}',
    '${A:?m}${A?m}',
    '${NONE:?must be set}',
    '${NONE?}',
    '${EMPTY:?is empty}',
    '${EMPTY?fine}',
    '${NONE:-${A:-b}}',
    '${NONE:-${ALSO:-deep ${A}}} end ${A}',
    '${NONE:-$A-b}',
    '${A:-x} and ${NONE:-y}',
    '${NONE:-a:-b}',
    '${NONE:-a-b?c}',
    '${NONE-a:-b}',
    '${A:+${EMPTY:-e}}',
    '${NONE} $ALSO',
    '${lower} $Lower',
    'price: 5$',
    '$1 $-x $ $',
    '${A',
    '${}',
    '${1A}',
    '${A!}',
    '${A:}',
    '${ A }',
    '${NONE:-a}b}',
    '${NONE:-{"a": "b"}}',
    '${NONE:-multi\nline}',
    '$A$B_2',
    'a$$',
    '${NONE:?${A} is wrong}',
  ].map((text) => [text, value(text)]),
);

const FILLED_IN: Readonly<Record<string, LoadCase>> = {
  'keys are left alone': { files: 'services: {web: {image: x, labels: {$A: b, "${B}": c}}}\n' },
  'a number in a variable': {
    files:
      'services: {web: {image: x, scale: $N, cpus: "${C}", tty: "${T}", deploy: {replicas: "$N"}, ulimits: {nproc: "$N"}}}\n',
    env: { N: '3', C: '0.5', T: 'true' },
  },
  'yes is true, with a warning': attribute('tty: "${T}"', { T: 'yes' }),
  'Off is false, with a warning': attribute('init: "Off"'),
  'a boolean that is none': attribute('privileged: "${T:-maybe}"'),
  'a number that is none': attribute('deploy: {replicas: "${N:-many}"}'),
  'a 64-bit number that is none': attribute('pids_limit: "1.5"'),
  'a fraction that is none': attribute('cpus: "half"'),
  'a number of 64 bits': attribute('cpu_shares: "512"'),
  'a port in a variable': {
    files: 'services: {web: {image: x, ports: ["${P}:80", {target: "${T:-90}", published: "$P"}]}}\n',
    env: { P: '8080' },
  },
  'networks and volumes': {
    files:
      'services: {web: {image: x, networks: [n], volumes: ["v:/v"]}}\nnetworks: {n: {internal: "$I", name: "${P}_n"}}\nvolumes: {v: {external: "${E}", name: "${P}_v"}}\n',
    env: { I: 'false', E: 'true', P: 'pre' },
  },
  'an invalid template': attribute('image: ${BAD'),
  'an invalid template in a list': attribute('command: [a, "${"]'),
  'a required variable': attribute('hostname: ${HOST_NAME:?give a name}'),
  'variables that are not set, twice': { files: 'services: {web: {image: "x:$NO", user: "$NO$ALSO"}}\n' },
  'numbers of YAML': attribute(
    'environment: {O: 0777, P: 0o17, B: 0b11, U: 1_000, S: 1:30, Y: yes, F: 1.0, G: 1e3, N: ~, H: 0x1F, E: 1e21, I: 12345678901234567890, L: 1.50, M: 0.00001, T: TRUE, Z: 5., W: +12}',
  ),
};

/** The lines of `.env`, and what is made of its V. */
const dotenv = (text: string, env: Readonly<Record<string, string>> = {}): LoadCase => ({
  files: `services: {web: {image: x, labels: {a: "\${A}", b: "\${B}"}}}\n== .env\n${text}\n`,
  env,
});

const ENV: Readonly<Record<string, LoadCase>> = {
  '.env': dotenv('A=1\nB=two words # why'),
  '.env below the environment': dotenv('A=file\nB=$A', { A: 'shell' }),
  '.env with quotes': dotenv('A="a \\"b\\" \\n c $X"\nX=1\nB=\'$A \\n\''),
  '.env with export, colons and spaces': dotenv('export A = 1\nB: 2'),
  '.env over lines': dotenv('A="one\ntwo"\nB=\'three\nfour\''),
  '.env that refers to itself': dotenv('A=1\nB=${A}${C:-d}'),
  '.env with names alone': dotenv('A\nB=1', { A: 'shell' }),
  '.env with a bad name': dotenv('A=1\nB%=2'),
  '.env with a space in a name': dotenv('A B=2'),
  '.env that is not closed': dotenv('A="b'),
  '.env with escapes': dotenv('A="\\t\\0101\\x\\$B"\nB=a\\tb'),
  '.env with a hash in a word': dotenv('A=b#c\nB="d" # e'),
  '.env with carriage returns': dotenv('A=1\r\nB=2\r'),
  '.env with a required variable': dotenv('A=${NO:?must}'),
  '--env-file': { files: `${WEB.replace('x', '$A$B')}== .env\nA=1\nB=2\n== o.env\nA=3\n`, args: '--env-file o.env' },
  '--env-file twice': {
    files: `${WEB.replace('x', '$A$B')}== a.env\nA=1\nB=2\n== b.env\nB=\${A}3\n`,
    args: '--env-file a.env --env-file b.env',
  },
  '--env-file that is missing': { files: WEB, args: '--env-file no.env' },
  '.env beside the first file': {
    files: '== sub/c.yaml\nservices: {web: {image: "x$A"}}\n== sub/.env\nA=sub\n== .env\nA=top\n',
    args: '-f sub/c.yaml',
  },
  '.env in the project directory': {
    files: `${WEB.replace('x', '$A')}== sub/.env\nA=sub\n== .env\nA=top\n`,
    args: '--project-directory sub -f compose.yaml',
  },
  '.env is not wanted': { files: `${WEB.replace('x', 'x$A')}== .env\nA=1\n`, env: { COMPOSE_DISABLE_ENV_FILE: '1' } },
  '.env names the files': {
    files: `${WEB}== .env\nCOMPOSE_FILE=a.yaml:b.yaml\n== a.yaml\nservices: {a: {image: a}}\n== b.yaml\nservices: {b: {image: b}}\n`,
  },
  'env_file forms': {
    files:
      'services:\n  web:\n    image: x\n    env_file: [a.env, {path: r.env, format: raw}, {path: no.env, required: false}]\n    environment: {A: own, PASSED: }\n== a.env\nA=file\nB="${A}$HOSTED"\nC=\'$A\'\nHOSTED\n== r.env\nR="quoted $A"\n# no\nS=1 # 2\n',
    env: { HOSTED: 'h', PASSED: 'p' },
  },
  'env_file that is missing': attribute('env_file: no.env'),
  'env_file of no format': {
    files: 'services: {web: {image: x, env_file: [{path: a.env, format: odd}]}}\n== a.env\nA=1\n',
  },
  'env_file with a bad line': { files: 'services: {web: {image: x, env_file: a.env}}\n== a.env\nA=1\n{B\n' },
  label_file: {
    files: 'services: {web: {image: x, label_file: [a, b], labels: {c: 3}}}\n== a\na=1\nb=1\nc=1\n== b\nb=2\n',
  },
  'label_file that is missing': attribute('label_file: no'),
  'environment without values': attribute('environment: [A, B, C=]', { A: '1' }),
  'environment as a map without values': attribute('environment: {A: , B: , C: ""}', { A: '1' }),
};

const EXTENDED: Readonly<Record<string, LoadCase>> = {
  'of the same file': {
    files:
      'services:\n  base: {image: x, environment: [A=1, B=1], ports: ["80:80"], labels: {l: 1}}\n  web: {extends: base, environment: [B=2], command: c}\n  two: {extends: {service: web}, user: u}\n',
  },
  'of another file': {
    files:
      'services: {web: {extends: {file: sub/base.yaml, service: base}, volumes: [./here:/h]}}\n== sub/base.yaml\nservices: {base: {image: x, build: ., volumes: [./there:/t], env_file: e.env}}\n== sub/e.env\nE=1\n',
  },
  'of a file that extends another': {
    files:
      'services: {web: {extends: {file: a/a.yaml, service: a}}}\n== a/a.yaml\nservices: {a: {extends: {file: ../b/b.yaml, service: b}, volumes: [./a:/a]}}\n== b/b.yaml\nservices: {b: {image: b, volumes: [./b:/b], build: {context: ./ctx, dockerfile: D}}}\n',
  },
  'with variables': {
    files:
      'services: {web: {extends: {file: "${F}.yaml", service: base}}}\n== b.yaml\nservices: {base: {image: "i$F"}}\n',
    env: { F: 'b' },
  },
  'depends_on comes along': {
    files:
      'services: {db: {image: y}, base: {image: x, depends_on: [db], networks: [n]}, web: {extends: base}}\nnetworks: {n: }\n',
  },
  'with !reset': {
    files:
      'services: {base: {image: x, ports: ["80:80"], user: u}, web: {extends: base, ports: !reset [], user: !reset null}}\n',
  },
  'with !override': {
    files: 'services: {base: {image: x, ports: ["80:80"]}, web: {extends: base, ports: !override ["81:81"]}}\n',
  },
  'a circle': { files: 'services: {a: {extends: b}, b: {extends: a}}\n', refused: true },
  'a circle of one': { files: 'services: {a: {extends: a}}\n' },
  'a circle of files': {
    files:
      'services: {a: {extends: {file: b.yaml, service: b}}}\n== b.yaml\nservices: {b: {extends: {file: compose.yaml, service: a}}}\n',
    refused: true,
  },
  'a service that is missing': { files: 'services: {a: {image: x, extends: no}}\n' },
  'a service that is missing elsewhere': {
    files: 'services: {a: {image: x, extends: {file: b.yaml, service: no}}}\n== b.yaml\nservices: {b: {image: x}}\n',
  },
  'a file that is missing': { files: 'services: {a: {extends: {file: no.yaml, service: a}}}\n' },
  'a file without services': {
    files: 'services: {a: {extends: {file: b.yaml, service: a}}}\n== b.yaml\nvolumes: {}\n',
  },
  'without a service': { files: 'services: {a: {extends: {file: b.yaml}}}\n== b.yaml\nservices: {a: {image: x}}\n' },
  'in an override': {
    files:
      'services: {base: {image: x, user: u}, web: {image: y}}\n== compose.override.yaml\nservices: {base: {hostname: h}, web: {extends: base, tty: true}}\n',
  },
};

const INCLUDED: Readonly<Record<string, LoadCase>> = {
  'a path': {
    files: `include: [sub/c.yaml]\n${WEB}== sub/c.yaml\nservices: {in: {image: "i$A", build: ., volumes: [./d:/d, "v:/v"], networks: [n]}}\nvolumes: {v: }\nnetworks: {n: }\n== sub/.env\nA=sub\n`,
  },
  'in full': {
    files: `include: [{path: sub/c.yaml, project_directory: other, env_file: e.env}]\n${WEB}== other/x\n== sub/c.yaml\nservices: {in: {image: "i$A", build: ./b}}\n== e.env\nA=e\n`,
  },
  'with an override': {
    files: `include: [{path: [sub/c.yaml, sub/d.yaml]}]\n${WEB}== sub/c.yaml\nservices: {in: {image: i, build: ./c}}\n== sub/d.yaml\nservices: {in: {image: j, volumes: [./x:/x]}}\n`,
  },
  'several env files': {
    files: `include: [{path: sub/c.yaml, env_file: [a.env, b.env]}]\n${WEB}== sub/c.yaml\nservices: {in: {image: "$A$B"}}\n== a.env\nA=1\nB=1\n== b.env\nB=2\n`,
  },
  'a secret out of its env file': {
    files: `include: [{path: sub/c.yaml, env_file: e.env}]\n${WEB}== sub/c.yaml\nservices: {in: {image: i, secrets: [s]}}\nsecrets: {s: {environment: SECRET}}\n== e.env\nSECRET=hidden\n`,
  },
  'the environment comes first': {
    files: `include: [sub/c.yaml]\n== sub/c.yaml\nservices: {in: {image: "i$A"}}\n== sub/.env\nA=sub\n== .env\nA=top\n`,
  },
  'an include of an include': {
    files: `include: [a/a.yaml]\n${WEB}== a/a.yaml\ninclude: [b/b.yaml]\nservices: {a: {image: a, build: .}}\n== a/b/b.yaml\nservices: {b: {image: b, build: ., volumes: [./v:/v]}}\n`,
  },
  'an include that extends': {
    files: `include: [a/a.yaml]\n== a/a.yaml\nservices: {a: {extends: {file: ../b/b.yaml, service: b}}}\n== b/b.yaml\nservices: {b: {image: b, build: ./x}}\n`,
  },
  'what depends on it': {
    files: 'include: [c.yaml]\nservices: {web: {image: x, depends_on: [in]}}\n== c.yaml\nservices: {in: {image: i}}\n',
  },
  'the same twice': {
    files: `include: [a.yaml, b.yaml]\n${WEB}== a.yaml\ninclude: [c.yaml]\n== b.yaml\ninclude: [c.yaml]\n== c.yaml\nservices: {c: {image: c}}\n`,
  },
  'another of the same name': { files: `include: [a.yaml]\n${WEB}== a.yaml\nservices: {web: {image: other}}\n` },
  'an override of what is included': {
    files: `include: [a.yaml]\n${WEB}== a.yaml\nservices: {in: {image: i, user: u}}\n== compose.override.yaml\nservices: {in: {user: v, ports: ["80:80"]}}\n`,
  },
  'in an override alone': {
    files: `${WEB}== compose.override.yaml\ninclude: [a.yaml]\n== a.yaml\nservices: {in: {image: i}}\n`,
  },
  'a circle': { files: `include: [a.yaml]\n${WEB}== a.yaml\ninclude: [compose.yaml]\nservices: {a: {image: a}}\n` },
  'a file that is missing': { files: `include: [no.yaml]\n${WEB}` },
  'an env file that is missing': { files: `include: [{path: a.yaml, env_file: no.env}]\n${WEB}== a.yaml\n${WEB}` },
  'no list': { files: `include: a.yaml\n${WEB}`, refused: true },
  'a key that is unknown': { files: `include: [{path: a.yaml, odd: 1}]\n${WEB}== a.yaml\nservices: {a: {image: a}}\n` },
  'something wrong inside': { files: `include: [a.yaml]\n${WEB}== a.yaml\nservices: {in: {image: i, odd: 1}}\n` },
  'names and extensions stay there': {
    files: `include: [a.yaml]\n${WEB}== a.yaml\nname: inner\nx-a: 1\nservices: {in: {image: "\${COMPOSE_PROJECT_NAME}"}}\n`,
  },
  'secrets, configs and a model': {
    files: `include: [s/a.yaml]\n${WEB}== s/a.yaml\nservices: {in: {image: i, secrets: [k], configs: [c]}}\nsecrets: {k: {file: ./k}}\nconfigs: {c: {file: ./c}}\n`,
  },
};

const FOUND: Readonly<Record<string, LoadCase>> = {
  'compose.yaml before docker-compose.yml': { files: `${WEB}== docker-compose.yml\nservices: {other: {image: y}}\n` },
  'compose.yml': { files: `== compose.yml\n${WEB}` },
  'docker-compose.yml with its override': {
    files: `== docker-compose.yml\n${WEB}== docker-compose.override.yml\nservices: {web: {user: u}}\n`,
  },
  'docker-compose.yaml': { files: `== docker-compose.yaml\n${WEB}` },
  'two overrides': {
    files: `${WEB}== compose.override.yml\nservices: {web: {user: yml}}\n== compose.override.yaml\nservices: {web: {user: yaml}}\n`,
  },
  'from below': { files: `${WEB}== compose.override.yaml\nservices: {web: {build: ./b}}\n== a/b/c\n`, cwd: 'a/b' },
  'no file': { files: '== other.yaml\n', cwd: '.' },
  '-f leaves the override': {
    files: `${WEB}== compose.override.yaml\nservices: {web: {user: u}}\n`,
    args: '-f compose.yaml',
  },
  '-f that is missing': { files: WEB, args: '-f no.yaml' },
  '-f of a directory': { files: `${WEB}== d/x\n`, args: '-f d' },
  '-f from elsewhere': {
    files: `${WEB.replace('image: x', 'image: x, build: ./b')}== sub/x\n`,
    cwd: 'sub',
    args: '-f ../compose.yaml',
  },
  'standard input': { files: '== x\n', args: '-f -', input: 'services: {web: {image: in, build: ./b}}\n' },
  'standard input over a file': { files: WEB, args: '-f compose.yaml -f -', input: 'services: {web: {user: in}}\n' },
  COMPOSE_FILE: {
    files: `${WEB}== a.yaml\nservices: {a: {image: a}}\n== sub/b.yaml\nservices: {b: {image: b, build: .}}\n`,
    env: { COMPOSE_FILE: 'a.yaml:sub/b.yaml' },
  },
  'COMPOSE_FILE with a separator': {
    files: `${WEB}== a.yaml\nservices: {a: {image: a}}\n== b.yaml\nservices: {b: {image: b}}\n`,
    env: { COMPOSE_FILE: 'a.yaml,b.yaml', COMPOSE_PATH_SEPARATOR: ',' },
  },
  'COMPOSE_FILE that is missing': { files: WEB, env: { COMPOSE_FILE: 'no.yaml' } },
  '--project-directory': {
    files: 'services: {web: {image: x, build: ., volumes: [./v:/v]}}\n== sub/x\n',
    args: '-f compose.yaml --project-directory sub',
  },
  '-p': { files: `name: own\n${WEB}`, args: '-p given' },
  '-p that is no name': { files: WEB, args: '-p Not.OK' },
  COMPOSE_PROJECT_NAME: { files: `name: own\n${WEB}`, env: { COMPOSE_PROJECT_NAME: 'env' } },
  'COMPOSE_PROJECT_NAME that is no name': { files: WEB, env: { COMPOSE_PROJECT_NAME: 'A b' } },
  'COMPOSE_PROJECT_NAME in .env': { files: `${WEB}== .env\nCOMPOSE_PROJECT_NAME=dot\n` },
  'a name': { files: `name: own\n${WEB}` },
  'a name of variables': { files: `name: "a-\${N:-b}-c"\n${WEB}`, env: { N: 'Über X' } },
  'a name of which nothing is left': { files: `name: "..."\n${WEB}` },
  'the last name': { files: `name: one\n${WEB}== compose.override.yaml\nname: two\n` },
  'a name that is no text': { files: `name: [a]\n${WEB}`, refused: true },
  'the name in use': { files: 'name: own\nservices: {web: {image: "${COMPOSE_PROJECT_NAME}"}}\n' },
  'a directory with capitals and dots': { files: `== My.App_2-x/compose.yaml\n${WEB}`, cwd: 'My.App_2-x' },
  'a directory that begins with a mark': { files: `== _-9a/compose.yaml\n${WEB}`, cwd: '_-9a' },
  'a version, with a warning': { files: `version: "3"\n${WEB}` },
  'profiles none': { files: 'services: {web: {image: x}, a: {image: y, profiles: [p]}}\n' },
  'profiles by flag': { files: 'services: {web: {image: x}, a: {image: y, profiles: [p]}}\n', args: '--profile p' },
  'profiles by variable': {
    files: 'services: {web: {image: x}, a: {image: y, profiles: [p]}, b: {image: z, profiles: [q, r]}}\n',
    env: { COMPOSE_PROFILES: 'p, q' },
  },
  'profiles in .env': { files: 'services: {a: {image: y, profiles: [p]}}\n== .env\nCOMPOSE_PROFILES=p\n' },
  'all profiles': { files: 'services: {web: {image: x}, a: {image: y, profiles: [p]}}\n', args: '--profile "*"' },
  'services by name': {
    files:
      'services: {web: {image: x, depends_on: [db]}, db: {image: y, profiles: []}, c: {image: z}}\nvolumes: {v: }\n',
    verb: 'web',
  },
  'a service of a profile by name': { files: 'services: {web: {image: x}, a: {image: y, profiles: [p]}}\n', verb: 'a' },
  'a service that is missing': { files: WEB, verb: 'no' },
  'without variables filled in': {
    files: 'services: {web: {image: "x$A", ports: ["${P}:80"], environment: [A], labels: {a: "$$b"}}}\n',
    verb: '--no-interpolate',
  },
  'without paths resolved': {
    files: 'services: {web: {image: x, build: ./b, volumes: [./v:/v], env_file: e.env}}\n== e.env\nE=1\n',
    verb: '--no-path-resolution',
  },
  'paths of an include, not resolved': {
    files: `include: [sub/c.yaml]\n${WEB}== sub/c.yaml\nservices: {in: {image: i, build: ./b, volumes: [./v:/v]}}\n`,
    verb: '--no-path-resolution',
  },
};

/** A whole file that is refused. */
const bad = (files: string): LoadCase => ({ files });
const syntax = (files: string): LoadCase => ({ files, refused: true });

const REFUSED: Readonly<Record<string, LoadCase>> = {
  'an unknown key': bad(`${WEB}odd: 1\n`),
  'an unknown key of a service': attribute('odd: 1'),
  'two unknown keys': { ...attribute('odd: 1\n    also: 2'), refused: true },
  'an unknown key deep down': attribute('deploy: {resources: {limits: {cpu: 1}}}'),
  'an unknown key of a build': attribute('build: {contxt: .}'),
  'an unknown key of a port': attribute('ports: [{target: 80, publish: 1}]'),
  'an unknown key of a mount': attribute('volumes: [{type: bind, src: a, target: b}]'),
  'an unknown key of a network': bad(`${WEB}networks: {n: {drivr: x}}\n`),
  'an unknown key of a volume': bad(`${WEB}volumes: {n: {drivr: x}}\n`),
  'a name of a service that is none': bad('services: {"a b": {image: x}}\n'),
  'a service that is null': bad('services: {web: }\n'),
  'a service that is a text': bad('services: {web: x}\n'),
  'services that are a list': bad('services: [web]\n'),
  'services that are null': bad('services:\n'),
  'an image that is a list': attribute('image2: x\n    user: [a]'),
  'a text that is a number': attribute('hostname: 5'),
  'a boolean that is a map': attribute('privileged: {a: b}'),
  'ports that are a text': attribute('ports: "80:80"'),
  'a port that is a list': attribute('ports: [[80]]'),
  'environment that is a text': attribute('environment: A=1'),
  'environment with a list inside': attribute('environment: {A: [1]}'),
  'a list of labels with a map inside': attribute('labels: [{a: b}]'),
  'a mount without a type': attribute('volumes: [{source: a, target: b}]'),
  'a mount of another type': attribute('volumes: [{type: odd, target: b}]'),
  'a mount without a target': attribute('volumes: [{type: bind, source: a}]'),
  'a short mount of nothing': attribute('volumes: ["a::b"]'),
  'a dependency of another condition': attribute('depends_on: {db: {condition: odd}}'),
  'a dependency without a condition': attribute('depends_on: {db: {restart: true}}'),
  'the same twice in a list': attribute('cap_add: [A]\n    security_opt: [a, a]'),
  'a percentage over a hundred': attribute('cpu_percent: 101'),
  'a score below a thousand': attribute('oom_score_adj: -1001'),
  'a pull policy that is none': attribute('pull_policy: sometimes'),
  'a cgroup that is none': attribute('cgroup: odd'),
  'gpus that are not all': attribute('gpus: some'),
  'a hook without a command': attribute('post_start: [{user: root}]'),
  'a watch without a path': attribute('develop: {watch: [{action: sync}]}'),
  'a watch of another action': attribute('develop: {watch: [{action: copy, path: .}]}'),
  'a limit without its half': attribute('ulimits: {nofile: {soft: 1}}'),
  'a device request without capabilities': attribute('deploy: {resources: {reservations: {devices: [{count: 1}]}}}'),
  'a replica count that is a fraction': attribute('deploy: {replicas: 1.5}'),
  'a model without its model': bad(`${WEB}models: {m: {name: a}}\n`),
  'a secret that is null': bad(`${WEB}secrets: {s: }\n`),
  'an address that is none': attribute('ports: ["999.1.1.1:80:80"]'),
  'a port that is none': attribute('ports: ["eighty:80"]'),
  'a number as key': bad('services: {1: {image: x}}\n'),
  'a number as key of labels': attribute('labels: {1: x}'),
  'two equal keys': syntax('services:\n  web:\n    image: x\n    image: y\n'),
  'two equal services': syntax('services:\n  web: {image: x}\n  web: {image: y}\n'),
  'a list': syntax('- a\n- b\n'),
  'a text': syntax('hello\n'),
  nothing: bad(''),
  'comments alone': bad('# nothing\n'),
  'an empty document first': bad(`---\n---\n${WEB}`),
  'bad indentation': syntax('services:\n  web:\n    image: x\n   user: y\n'),
  'include of nothing': { files: `include:\n${WEB}` },
  'include without a path': { files: `include: [{}, {path: []}, null]\n${WEB}` },
  'an include that is no path': syntax(`include: [1]\n${WEB}`),
  'a date in an attribute': attribute('environment: {D: 2024-01-01}'),
  'a date in a list': attribute('environment: [2024-01-01]'),
  'a date as a port': attribute('expose: [2024-01-01]'),
  'a date in an extension': attribute(
    'x-d: [2024-1-1, 2001-12-14t21:59:43.10-05:00, 2001-12-14 21:59:43, 2001-02-30, 2001-12-14T21:59:43]',
  ),
  'a port with a fraction': attribute('ports: [80.5]'),
  'a key that needs escapes': attribute('"a\\\\b\'c": 1'),
  'a tab': syntax('services:\n\tweb:\n\t  image: x\n'),
  'a brace that stays open': syntax('services: {web: {image: x\n'),
  'a quote that stays open': syntax('services:\n  web:\n    image: "x\n'),
  'a colon too many': syntax('services:\n  web: a: b\n'),
  'an anchor that is missing': syntax('services:\n  web: *no\n'),
  'a merge of a text': syntax('services:\n  web:\n    <<: text\n    image: x\n'),
  'a circle of aliases': syntax('services:\n  web: &a\n    image: x\n    x-y: *a\n'),
  'no image': bad('services: {web: {user: u}}\n'),
  'a circle of dependencies': {
    ...bad('services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}\n'),
    refused: true,
  },
  'a dependency that is missing': attribute('depends_on: [no]'),
  'a network that is missing': attribute('networks: [no]'),
  'a volume that is missing': attribute('volumes: ["no:/x"]'),
  'a secret that is missing': attribute('secrets: [no]'),
};

/** All of them, by what they are about. */
export const LOAD_CASES: Readonly<Record<string, Readonly<Record<string, LoadCase>>>> = {
  'files are joined': MERGED,
  'variables have their forms': VALUES,
  'values are filled in': FILLED_IN,
  'env files are read': ENV,
  'services are extended': EXTENDED,
  'files are included': INCLUDED,
  'files, names and services are found': FOUND,
  'what is wrong is refused': REFUSED,
};
