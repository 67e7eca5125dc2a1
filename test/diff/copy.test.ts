import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { archive, type Member } from '#test/support/archive.ts';
import { clearTheStage, expectSame, ours, plain, setTheStage, wordsOf } from '#test/support/compare.ts';
import { docker, noDocker } from '#test/support/peers.ts';
import { type Finished, testUser } from '#test/support/user.ts';

/** The image has this name in both stores. */
const IMAGE = 'localhost/busybox';
const made = ['copydiff', 'copyrest', 'copyread', 'copytwo', 'copythree'];

/** Makes what the lines copy, in a container and on the host alike; everything has the same time. */
const PLANT = [
  'mkdir -p $T/d/sub $T/e $T/empty',
  'echo a > $T/d/a; echo b > $T/d/sub/b; echo c > $T/c; echo s > "$T/with space"',
  'ln $T/d/a $T/d/hard; ln -s a $T/d/la; ln -s d $T/ld; ln -s ../../../../etc/group $T/out; ln -s nowhere $T/broken',
  'ln -s ld $T/two; ln -s loop $T/loop; mkfifo $T/d/fifo; chmod 4755 $T/d/sub/b; chmod 600 $T/c; chmod 1777 $T/e',
  'find $T -exec touch -h -d "2001-09-09 01:46:40" {} +',
].join('; ');

/** Every file with its kind, mode, owner, time (a directory's comes of what was made in it), target and content. */
const LIST =
  'cd $T && find . | sort | while IFS= read -r f; do ' +
  'if [ -f "$f" ] && [ ! -L "$f" ]; then x="$(stat -c "%Y %h %s" "$f") $(cat "$f")"; else x="$(readlink "$f")"; fi; ' +
  'stat -c "%A %u:%g %n" "$f" | tr "\\n" " "; echo "$x"; done';

const removeVolumes = async () => {
  const line = ['volume', 'rm', '--force', 'copydiffvolume', 'copydiffread'];
  docker(line);
  await ours(line);
};

const script = (text: string, where: string) => text.replaceAll('$T', where);

describe.skipIf(noDocker !== undefined)(`cp, top and rename by us and by docker (${noDocker ?? 'here'})`, () => {
  let [here, there] = ['', ''];

  beforeAll(async () => {
    await setTheStage(made);
    await removeVolumes();
    here = mkdtempSync(join(tmpdir(), 'copy-'));
    there = mkdtempSync(join(tmpdir(), 'copy-'));
    const { uid, gid } = testUser();
    chownSync(here, uid, gid);
    execFileSync('chmod', ['755', here, there]);
    await testUser().run('sh', ['-c', script(PLANT, here)]);
    execFileSync('sh', ['-c', script(PLANT, there)]);
    for (const [container, flags] of [
      ['copydiff', '-v copydiffvolume:/vol -v copydiffread:/read:ro --tmpfs /tmpfs'],
      ['copyread', '--read-only -v copydiffvolume:/vol -u 5:6'],
    ]) {
      await both(`run -d --name ${container} --network none ${flags} ${IMAGE} sleep 10000`);
    }
    await both(`create --name copyrest --network none -v copydiffvolume:/vol ${IMAGE} true`);
    for (const run of [ours, async (args: string[]) => docker(args)]) {
      await run(['exec', 'copydiff', 'sh', '-c', `mkdir /t; ${script(PLANT, '/t')}; chown -hR 12:34 /t/d`]);
    }
  });
  afterAll(async () => {
    await clearTheStage(made);
    await removeVolumes();
    for (const place of [here, there]) rmSync(place, { recursive: true, force: true });
  });

  const both = async (line: string, input?: string): Promise<[Finished, Finished]> => {
    const args = (place: string) => wordsOf(line.replaceAll('HERE', place));
    return [await ours(args(here), input), docker(args(there), input)];
  };

  const said = ({ status, stdout, stderr }: Finished, place: string) => ({
    status,
    stdout: stdout.includes('ustar') ? listed(stdout) : plain(stdout.replaceAll(place, 'HERE')),
    // What Docker's client says of the other half of its pipe.
    stderr: plain(stderr.replaceAll(place, 'HERE')).replace(/^time=.*\n/gm, ''),
  });

  /** Runs it here and there: the same is said, and the same is there afterwards, in the containers and on the host. */
  const expectCopied = async (line: string, input?: string) => {
    const [we, they] = await both(line, input);
    expect(said(we, here)).toEqual(said(they, there));
    // What fails has changed nothing, or the next line that doesn't shows it.
    if (we.status !== 0) return;
    if (/ copy\w+:\S*$/.test(line)) await expectSameInside();
    else expectSameOutside();
  };

  const expectSameOutside = () => {
    const list = (place: string) => execFileSync('sh', ['-c', script(LIST, place)], { encoding: 'utf8' });
    const { uid, gid } = testUser();
    expect(list(here).replaceAll(` ${uid}:${gid} `, ' 0:0 ')).toBe(list(there));
  };

  const expectSameInside = async () => {
    const listing = `{ ${script(LIST, '/t')}; }; ${script(LIST, '/vol')}`;
    const args = ['exec', 'copydiff', 'sh', '-c', listing];
    expect((await ours(args)).stdout).toBe(docker(args).stdout);
  };

  test.each([
    // A file to what is there, and to what is not; the table of docker cp's manual page.
    'cp HERE/c copydiff:/t/new',
    'cp HERE/c copydiff:/t/nodir/',
    'cp HERE/c copydiff:/t/nodir/new',
    'cp HERE/c copydiff:/t/c',
    'cp HERE/c copydiff:/t/e',
    'cp HERE/c copydiff:/t/e/',
    'cp HERE/c copydiff:/t/e/.',
    'cp HERE/c copydiff:/t/c/',
    'cp HERE/d copydiff:/t/d2',
    'cp HERE/d copydiff:/t/d3/',
    'cp HERE/d copydiff:/t/d4/.',
    'cp HERE/d copydiff:/t/no/d4',
    'cp HERE/d copydiff:/t/c',
    'cp HERE/d copydiff:/t/e',
    'cp HERE/d copydiff:/t/d',
    'cp HERE/d/. copydiff:/t/e',
    'cp HERE/d/. copydiff:/t/d5',
    'cp HERE/d/. copydiff:/t/c',
    'cp HERE/empty copydiff:/t/e',
    'cp HERE/empty/. copydiff:/t/c',
    'cp "HERE/with space" copydiff:/t/e',
    // The same out of a container.
    'cp copydiff:/t/c HERE/out-new',
    'cp copydiff:/t/c HERE/nodir/',
    'cp copydiff:/t/c HERE/nodir/new',
    'cp copydiff:/t/c HERE/c',
    'cp copydiff:/t/c HERE/e',
    'cp copydiff:/t/c HERE/e/',
    'cp copydiff:/t/c HERE/e/.',
    'cp copydiff:/t/d HERE/out-d2',
    'cp copydiff:/t/d HERE/out-d3/',
    'cp copydiff:/t/d HERE/c',
    'cp copydiff:/t/d HERE/e',
    'cp copydiff:/t/d/. HERE/e',
    'cp copydiff:/t/d/. HERE/out-d5',
    'cp copydiff:/t/d/. HERE/c',
    'cp copydiff:t/c HERE/e/relative',
    'cp copydiff:../../t/./c HERE/e/dots',
    'cp "copydiff:/t/with space" HERE/e',
    // Links.
    'cp HERE/ld copydiff:/t/e/link',
    'cp HERE/ld/ copydiff:/t/e/slash',
    'cp HERE/ld/. copydiff:/t/e/dot',
    'cp -L HERE/ld copydiff:/t/e/followed',
    'cp -L HERE/ld copydiff:/t/empty',
    'cp -L HERE/broken copydiff:/t/e',
    'cp HERE/broken copydiff:/t/e',
    'cp HERE/c copydiff:/t/ld',
    'cp HERE/c copydiff:/t/broken',
    'cp HERE/c copydiff:/t/loop',
    'cp HERE/c copydiff:/t/ld/through',
    'cp copydiff:/t/ld HERE/e/out-link',
    'cp copydiff:/t/ld/ HERE/e/out-slash',
    'cp copydiff:/t/ld/. HERE/e/out-dot',
    'cp -L copydiff:/t/ld HERE/e/out-followed',
    'cp -L copydiff:/t/two HERE/e/out-twice',
    'cp -L copydiff:/t/ld HERE/empty',
    'cp -L copydiff:/t/out HERE/e/out-group',
    'cp -L copydiff:/t/broken HERE/e/x',
    'cp -L copydiff:/t/loop HERE/e/x',
    'cp copydiff:/t/c HERE/ld',
    'cp copydiff:/t/c HERE/broken',
    'cp copydiff:/t/d/a HERE/ld/through',
    // Owners.
    'cp -a HERE/c copydiff:/t/e/archived',
    'cp -a HERE/c copyread:/vol/archived',
    'cp HERE/c copyread:/vol/plain',
    'cp -a copydiff:/t/d HERE/e/archived',
    // What may not be written.
    'cp HERE/c copyread:/c',
    'cp HERE/c copydiff:/read/',
    'cp HERE/c copydiff:/read/new',
    'cp HERE/c copydiff:/etc/hosts',
    'cp copydiff:/t/c /dev/null',
    'cp copydiff:/t/c/ HERE/e',
    'cp copydiff:/t/c/below HERE/e',
    'cp HERE/c/ copydiff:/t/e',
    'cp HERE/c/. copydiff:/t/e',
    'cp HERE/c/below copydiff:/t/e',
    // A container that doesn't run.
    'cp HERE/d copyrest:/t',
    'cp copyrest:/t/a HERE/e/rest',
    'cp copyrest:/t - ',
    'cp HERE/c copyrest:/vol/rest',
    'cp copyrest:/vol/plain HERE/e/vol',
    'cp copyrest:/nowhere HERE/e',
    // Archives.
    'cp copydiff:/t/d -',
    'cp copydiff:/t/d/ -',
    'cp copydiff:/t/d/. -',
    'cp copydiff:/t/d/a -',
    'cp copydiff:/t/ld -',
    'cp -L copydiff:/t/ld -',
    'cp copydiff:/t/nowhere -',
    'cp copydiff:/proc -',
    'cp - copydiff:/t/nowhere',
    'cp - copydiff:/t/c',
    'cp - copydiff:/t/e',
    // The words.
    'cp',
    'cp HERE/c',
    'cp HERE/c HERE/d',
    'cp copydiff:/t/c copyrest:/',
    'cp - -',
    'cp HERE/nowhere copydiff:/t',
    'cp HERE/nowhere nobody:/t',
    'cp HERE/c nobody:/t',
    'cp nobody:/t HERE',
    'cp HERE/c copydiff:',
    'cp copydiff: HERE',
    'cp "" copydiff:/t',
    'cp copydiff:/t ""',
    'cp --nonsense HERE/c copydiff:/t',
    'cp -q HERE/c copydiff:/t/quiet',
    'container cp --quiet=false copydiff:/t/c HERE/e/loud',
    'cp ./copydiff:/t HERE',
  ])('docker %s', (line) => expectCopied(line));

  const archives: [what: string, members: Member[]][] = [
    ['directories that it does not name', [{ name: 'deep/er/file', content: 'x', uid: 7, gid: 8 }]],
    ['a path from the root', [{ name: '/absolute', content: 'x' }]],
    ['a path to the outside', [{ name: '../outside', content: 'x' }]],
    ['its own directory', [{ name: './', type: '5', mode: 0o700 }]],
    ['a hard link to the outside', [{ name: 'hard', type: '1', link: '../../etc/passwd' }]],
    ['a hard link to nothing', [{ name: 'hard', type: '1', link: 'nothing' }]],
    ['a directory in place of a file', [{ name: 'c', type: '5' }]],
    ['a file in place of a directory', [{ name: 'd', content: 'x' }]],
    ['a link in place of a file', [{ name: 'c', type: '2', link: 'd' }]],
    [
      'a file below its own link to the root',
      [
        { name: 'root', type: '2', link: '/' },
        { name: 'root/below', content: 'x' },
      ],
    ],
  ];
  test.each(archives)('docker cp - with %s', async (_what, members) => {
    await expectCopied('cp - copydiff:/t', archive(...members).toString('latin1'));
  });

  test.each([
    'top copydiff -o comm',
    'top copydiff -o user,comm',
    'top copydiff -nonsense',
    'top copydiff -o pid=x',
    'top copydiff -p 1',
    'top copydiff f',
    'top copyrest',
    'top nobody',
    'top',
    'top -x copydiff',
    'rename copyrest copydiff',
    'rename copyrest copyrest',
    'rename copyrest /copyrest',
    'rename copyrest ""',
    'rename "" x',
    'rename copyrest "a b"',
    'rename copyrest x',
    'rename copyrest -- -x',
    'rename nobody x',
    'rename copyrest',
    'rename copyrest copytwo',
    'inspect -f {{.Name}} copytwo',
    'inspect -f {{.Name}} copyrest',
    'rename copytwo /copythree',
    'ps -a --filter name=copythree --format {{.Names}}',
    'rename copydiff copytwo',
    'exec copytwo echo there',
    'rename copytwo copydiff',
  ])('docker %s', (line) => expectSame(line));

  test('shows the same columns, and as many processes', async () => {
    const shape = ({ stdout }: Finished) => stdout.replace(/\d+/g, '0').replace(/ +/g, ' ');
    for (const line of ['top copydiff', 'top copydiff -eo pid,comm', 'top copydiff -o pid -o user,args']) {
      const [we, they] = await both(line);
      expect(shape(we)).toBe(shape(they));
    }
  });
});

/** The members of an archive, without times. */
function listed(text: string): string {
  const rows: string[] = [];
  for (let at = 0; at + 512 <= text.length && text[at] !== '\0'; ) {
    const field = (from: number, length: number) => text.slice(at + from, at + from + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(field(124, 12), 8);
    const ids = [field(100, 8), field(108, 8), field(116, 8)].join(' ');
    rows.push(`${field(156, 1)} ${field(0, 100)} ${ids} ${size} ${field(157, 100)}`);
    at += 512 * (1 + Math.ceil(size / 512));
  }
  return rows.join('\n');
}
