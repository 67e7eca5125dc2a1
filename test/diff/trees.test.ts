// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a shell's variables are written so, too
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clearTheStage, expectSame, ours, plain, setTheStage } from '#test/support/compare.ts';
import { besidePodman, docker, noDocker } from '#test/support/peers.ts';
import { testUser } from '#test/support/user.ts';
import { wherryPath } from '#test/support/wherry.ts';

const IMAGE = 'localhost/busybox';
const made = ['difftree'];
const SOCKET = process.env.DOCKER_HOST ?? 'unix:///tmp/dockerd/docker.sock';

const sorted = (text: string) => text.split('\n').filter(Boolean).sort();

/** Makes the same container in both stores and runs it to its end. */
async function make(flags: readonly string[], ...command: readonly string[]): Promise<void> {
  const args = ['--name', 'difftree', '--network', 'none', ...flags, IMAGE, ...command];
  docker(['rm', '-f', 'difftree']);
  await ours(['rm', '-f', 'difftree']);
  expect([docker(['run', ...args]).status, (await ours(['run', ...args])).status]).toEqual([0, 0]);
}

const CONTAINERS: [what: string, flags: string[], script: string][] = [
  ['nothing', [], 'true'],
  ['files of all kinds', [], 'echo x > /etc/new; ln -s a /b; mkfifo /f; touch /bin/zzz; mkdir -p /q/w; touch "/é ü"'],
  ['deletions', [], 'rm /etc/passwd; rm -rf /home; mv /root /root2; rm /.dockerenv'],
  ['a directory made anew', [], 'rm -rf /usr; mkdir -p /usr/new; rm -rf /home; mkdir /home'],
  [
    'other modes, owners and times',
    [],
    'chmod 700 /var; chown 5:6 /etc/group; touch -d @5 /etc/passwd; chmod 4755 /bin/busybox',
  ],
  ['other kinds', [], 'rm -rf /var; echo f > /var; rm /etc/passwd; mkdir /etc/passwd; touch /etc/passwd/x'],
  ['hard links', [], 'echo x > /a; ln /a /c; ln /bin/busybox /bin/zz'],
  ['what every container has', [], 'rm /.dockerenv /etc/mtab; ln -s foo /etc/mtab; touch /etc /dev /proc 2>&1; true'],
  ['the working directory', ['-w', '/work/dir'], 'true'],
];

describe.skipIf(noDocker !== undefined)(`trees of containers by us and by docker (${noDocker ?? 'here'})`, () => {
  beforeAll(() => setTheStage(made));
  afterAll(() => clearTheStage(made));

  test.each(CONTAINERS)('diff and export: %s', async (_what, flags, script) => {
    await make(flags, 'sh', '-c', script);
    // Docker's order is by chance.
    expect(sorted((await ours(['diff', 'difftree'])).stdout)).toEqual(sorted(docker(['diff', 'difftree']).stdout));
    // What was made just now has the time of its making, and so has the directory that Docker puts files of its own in.
    const list =
      'tar -tv --full-time --numeric-owner | sed -E "s/ 20[0-9]{2}-[0-9-]+ [0-9:]+/ RECENT/; s/ [0-9-]+ [0-9:]+ dev\\/$/ RECENT dev\\//" | LC_ALL=C sort';
    const here = await testUser().run('sh', ['-c', `${wherryPath()} export difftree | ${list}`]);
    const there = besidePodman('root', `DOCKER_HOST=${SOCKET} docker export difftree | ${list}`);
    expect(here.stdout.split('\n')).toEqual(there.stdout.split('\n'));
  });

  const CHANGES = [
    'CMD echo $A',
    'cmd ["x", "y"]',
    'ENTRYPOINT ["e"]',
    'ENTRYPOINT []',
    'ENV X=1 Y="a b" W=$A${B}x',
    'EXPOSE 90 91/udp 100-102',
    'LABEL a=b "c d"="e f" k=z',
    'ONBUILD RUN foo',
    'USER $A',
    'VOLUME /a /b',
    'WORKDIR rel',
    'STOPSIGNAL 9',
    'HEALTHCHECK --interval=5s --retries=3 CMD foo bar',
    'ENV a=b \\\n  c=d',
    'ENV A',
    'EXPOSE abc',
    'STOPSIGNAL FOO',
    'RUN foo',
    '# nothing',
    'HEALTHCHECK --foo=1 CMD a',
    'VOLUME [1]',
    'ENV a=${b^c}',
  ];

  test.each(CHANGES)('commit and import --change %j', async (change) => {
    await make(['-e', 'A=1', '-l', 'k=v', '--stop-signal', 'INT', '-p', '80'], 'sh', '-c', 'touch /new');
    const settings = async (run: (args: string[], input?: string) => unknown) => {
      const committed = (await run(['commit', '-a', 'me', '-m', 'why', '-c', change, 'difftree', 'difftree'])) as Done;
      const imported = (await run(['import', '-c', change, '-', 'difftree:imported'], EMPTY)) as Done;
      const shown = await Promise.all(
        ['difftree', 'difftree:imported'].map(async (image) => {
          const { stdout } = (await run(['image', 'inspect', image])) as Done;
          await run(['rmi', '-f', image]);
          const [json] = JSON.parse(stdout);
          if (json === undefined) return undefined;
          // In which order Docker keeps variables that were asked for is chance.
          json.Config.Env?.sort();
          return [json.Author, json.Comment, json.Config, json.RootFS.Layers.length];
        }),
      );
      return [committed, imported].map(({ status, stderr }) => [status, plain(stderr)]).concat(shown as never[]);
    };
    expect(await settings(ours as never)).toEqual(await settings(docker as never));
  });

  test.each([
    'diff',
    'diff nobody',
    'export nobody',
    'export -o /no-such-directory/x difftree',
    'export -o /dev/null difftree',
    'commit',
    'commit nobody',
    'commit difftree Bad/Name',
    'commit difftree x@sha256:1111111111111111111111111111111111111111111111111111111111111111',
    'import no-such-file',
    'import - Bad/Name',
    'import - x@sha256:1111111111111111111111111111111111111111111111111111111111111111',
    'import --platform foo/bar -',
    'import --platform linux/a/b/c -',
    'import http://127.0.0.1:1/x',
  ])('%s', (line) => expectSame(line));
});

interface Done {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** An archive of nothing. */
const EMPTY = '\0'.repeat(1024);
