import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { docker, noDocker } from '#test/support/peers.ts';
import { type Finished, testUser } from '#test/support/user.ts';
import { removeContainers, wherry } from '#test/support/wherry.ts';

/** The image has this name in both stores. */
const IMAGE = 'localhost/busybox';

/** What differs by nature: ids, times, addresses, names that were made up. */
function plain(text: string): string {
  return text
    .replace(/\b[0-9a-f]{64}\b/g, 'ID64')
    .replace(/\b[0-9a-f]{12}\b/g, 'ID12')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/\b(?:runc|crun) /g, 'RUNTIME ')
    .replace(/(Up|Exited \(\d+\)) (?:Less than a second|About a minute|\d+ \w+)/g, '$1 WHILE')
    .replace(/(?:Less than a second|About a minute|\d+ \w+) ago/g, 'AGO')
    .replace(/^hint: .*\n/gm, '');
}

const comparable = ({ status, stdout, stderr }: Finished) => ({ status, stdout: plain(stdout), stderr: plain(stderr) });
/** Through the `docker` link: the program calls itself docker then. */
const ours = (args: readonly string[], input?: string) =>
  testUser().run(join(inject('prefix'), 'bin/docker'), args, input === undefined ? {} : { input });

describe.skipIf(noDocker !== undefined)(`the same line by us and by docker (${noDocker ?? 'here'})`, () => {
  const made = ['difftest', 'difftwo'];
  const clean = async () => {
    docker(['rm', '-f', ...made]);
    await removeContainers();
  };
  beforeAll(async () => {
    await clean();
    await wherry(['run', '--rm', IMAGE, 'true']);
  });
  afterAll(clean);

  const lines: (string | [line: string, input: string])[] = [
    'run',
    'run --no-such-flag x',
    `run --rm ${IMAGE} echo hello`,
    `run --rm ${IMAGE} sh -c "exit 3"`,
    `run --rm ${IMAGE} no-such-program`,
    `run --rm ${IMAGE} /etc`,
    `run --rm --name x ${IMAGE} true`,
    `run --rm --memory lots ${IMAGE} true`,
    `run --rm -p abc ${IMAGE} true`,
    `run --rm -p 1:2:3:4 ${IMAGE} true`,
    `run --rm -v a:b:c:d ${IMAGE} true`,
    `run --rm -v relative:relative ${IMAGE} true`,
    `run --rm --mount type=bind ${IMAGE} true`,
    `run --rm --mount type=bind,source=/no/such/path,target=/x ${IMAGE} true`,
    `run --rm --restart sometimes ${IMAGE} true`,
    `run --rm --restart always ${IMAGE} true`,
    `run --rm --cap-add FLY ${IMAGE} true`,
    `run --rm -u nobody-here ${IMAGE} true`,
    `run --rm -w relative ${IMAGE} true`,
    `run --rm --ulimit nonsense ${IMAGE} true`,
    `run --rm --add-host nonsense ${IMAGE} true`,
    `run --rm --env-file /no/such/file ${IMAGE} true`,
    `run --rm --security-opt nonsense ${IMAGE} true`,
    `run --rm --network none --hostname box ${IMAGE} hostname`,
    `run --rm -e A=1 -e B ${IMAGE} env`,
    [`run --rm -i ${IMAGE} cat`, 'through'],
    [`run --rm ${IMAGE} cat`, 'unread'],
    `run --rm --pull never localhost/none-such true`,
    `create --name difftest --network none ${IMAGE} sleep 1000`,
    `create --name difftest ${IMAGE} true`,
    'start difftest',
    'start difftest',
    'ps --filter name=difftest',
    'ps --filter name=difftest --format {{.Names}}|{{.Image}}|{{.Command}}|{{.State}}|{{.Status}}|{{.Ports}}|{{.Networks}}|{{.Mounts}}',
    'ps --filter nonsense=1',
    'exec difftest echo hello',
    'exec difftest sh -c "exit 4"',
    'exec difftest no-such',
    'exec -w /none difftest true',
    'exec no-such true',
    'rm difftest',
    'kill -s NOSIG difftest',
    'kill difftest no-such',
    'wait difftest',
    'kill difftest',
    'logs no-such',
    'port difftest',
    'inspect --format {{.State.Status}}|{{.State.ExitCode}}|{{.Path}}|{{json .Args}} difftest',
    'inspect --format {{.Nonsense}} difftest',
    'inspect no-such',
    'stop difftest',
    'stop',
    'stop --time x difftest',
    'restart no-such',
    'rm difftest no-such',
    `run --name difftwo --network none ${IMAGE} sh -c "echo out; echo err >&2"`,
    'logs difftwo',
    'logs --tail 1 difftwo',
    'logs --since nonsense difftwo',
    'start -a difftwo',
    'rm -f difftwo',
    'rm -f no-such',
    'nonsense',
    'container nonsense',
    'wait',
    'kill',
    'exec difftest',
    'attach no-such',
    'rmi no-such',
    'tag no-such x',
    'pull UPPER',
    'inspect --type nonsense x',
  ];
  test.each(lines.map((line) => (typeof line === 'string' ? [line, undefined] : line)))(
    'docker %s',
    async (line, input) => {
      const args = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');
      expect(comparable(await ours(args, input))).toEqual(comparable(docker(args, input)));
    },
  );
});
