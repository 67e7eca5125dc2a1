// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables are those of compose files
/** What the build sections of compose files ask for, here and by docker compose. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clearTheStage, setTheStage } from '#test/support/compare.ts';
import { byDocker, byWherry, told } from '#test/support/compose-lines.ts';
import { noDocker } from '#test/support/peers.ts';
import { plant } from '#test/support/tree.ts';

const FILES: Record<string, string> = {
  '.env': 'TOKEN=of .env\n',
  'whole.yaml': `
services:
  full.dot:
    image: localhost/cbfull
    platform: linux/amd64
    build:
      context: ctx
      target: tgt
      args: {A: "o\${X:-d}ne$$\{y}", B: , C: 1, TOKEN: }
      labels: {l1: v1}
      network: host
      shm_size: 32m
      extra_hosts: ["somehost=10.1.2.3", "v6=::1", "a:1.2.3.4"]
      ulimits: {nofile: {soft: 123, hard: 456}, nproc: 7}
      secrets: [{source: mine, target: sec}, envs, ext]
      additional_contexts: {oth: ./other, img: "docker-image://busybox", g: "service:away"}
      tags: [localhost/cbtag:1]
      cache_from: ["type=local,src=x", foo]
      cache_to: ["type=inline"]
      ssh: [default, "k=./key"]
      pull: true
      no_cache: true
      isolation: default
      privileged: true
      entitlements: [network.host]
      platforms: [linux/amd64, linux/arm64]
      provenance: mode=max
      sbom: true
  away: {build: {context: "https://git.example.com/a.git#main:sub", dockerfile: D}}
  inline: {build: {context: ., dockerfile_inline: "FROM x\\nRUN echo $$x $$\{y}\\n"}}
  absolute: {image: r/x, build: {context: ., dockerfile: /abs/D, provenance: false, sbom: false}}
  image: {image: busybox}
secrets: {mine: {file: ./sec.txt}, envs: {environment: TOKEN}, ext: {external: true}}
`,
  'real.yaml': `
services:
  a:
    image: localhost/cba
    build:
      context: .
      dockerfile_inline: |
        FROM localhost/busybox
        ARG A
        RUN --mount=type=secret,id=tok cp /run/secrets/tok /tok
        RUN echo "$$A" > /a; df -k /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f2 > /shm; ulimit -n > /ulimit; grep somehost /etc/hosts > /hosts
      args: {A: }
      secrets: [tok, nobodys]
      shm_size: 16m
      ulimits: {nofile: 123}
      extra_hosts: ["somehost=10.1.2.3"]
      labels: {own: "1"}
  attested: {build: {context: ., dockerfile_inline: FROM localhost/busybox, provenance: true}}
  network: {build: {context: ., dockerfile_inline: "FROM localhost/busybox\\nRUN --network=host true"}}
  nofile: {build: {context: ., dockerfile: nosuch}}
secrets: {tok: {environment: TOKEN}, nobodys: {external: true}}
`,
  'both.yaml': 'services: {a: {build: {context: ., dockerfile: x, dockerfile_inline: FROM x}}}',
  'platform.yaml': 'services: {a: {platform: linux/arm64, build: {context: ., platforms: [linux/amd64]}}}',
};

const PRINTED = [
  'whole.yaml build --print',
  'whole.yaml build --print --push',
  'whole.yaml build --print --check full.dot',
  'whole.yaml build --print --build-arg Q=1 --build-arg TOKEN --ssh default away',
  'whole.yaml build --print --no-cache --pull inline absolute',
  'whole.yaml build --print --provenance true --sbom true away',
];

const LINES = [
  'real.yaml build -q a',
  'real.yaml run --rm --no-deps -T a sh -c "cat /tok; cat /a /shm /ulimit /hosts"',
  'real.yaml build -q --build-arg A=flag a',
  'real.yaml run --rm --no-deps -T a cat /a',
  'both.yaml build',
  'platform.yaml build',
];

/** What fails has the reason in its own words, and the same status. */
const REFUSED: [line: string, says: RegExp][] = [
  ['real.yaml build attested', /Attestation is not supported for the docker driver\./],
  ['real.yaml build network', /network\.host is not allowed/],
  ['real.yaml build nofile', /failed to read dockerfile: open nosuch: no such file or directory/],
];

let directory = '';

/** Nobody minds the order of its lists. */
function bakeFile(text: string) {
  const { group, target } = JSON.parse(text);
  group.default.targets.sort();
  for (const one of Object.values<{ ulimits?: string[]; ssh?: string[] }>(target)) {
    one.ulimits?.sort();
    one.ssh?.sort();
  }
  return { group, target };
}

describe.skipIf(noDocker !== undefined)('a build section', () => {
  const own = (line: string) => byWherry(directory, `-f ${line}`);
  const theirs = (line: string) => byDocker(directory, `-f ${line}`);

  beforeAll(async () => {
    await setTheStage([]);
    directory = plant(join(mkdtempSync(join(tmpdir(), 'wherry-cbuild-')), 'cbuild'), FILES);
    chmodSync(dirname(directory), 0o755);
  });

  afterAll(async () => {
    theirs('real.yaml down --rmi all');
    await own('real.yaml down --rmi all');
    rmSync(dirname(directory), { recursive: true, force: true });
    await clearTheStage([]);
  });

  test.each(PRINTED)('%s', async (line) => {
    const [ours, docker] = [await own(line), theirs(line)];
    expect(ours.stderr).toBe('');
    expect(bakeFile(ours.stdout)).toEqual(bakeFile(docker.stdout));
  });

  test.each(LINES)('%s', async (line) => {
    expect(told(await own(line)), line).toEqual(told(theirs(line)));
  });

  test.each(REFUSED)('%s', async (line, says) => {
    const [ours, docker] = [await own(line), theirs(line)];
    expect(ours.status).toBe(docker.status);
    for (const { stdout, stderr } of [ours, docker]) expect(stdout + stderr).toMatch(says);
  });
});
