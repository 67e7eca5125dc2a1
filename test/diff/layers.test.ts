import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Distribution, noDistribution, startDistribution } from '#test/support/distribution.ts';
import { busyboxEntries } from '#test/support/embedded.ts';
import type { Entry } from '#test/support/image.ts';
import { besidePodman, noPeers, quoted } from '#test/support/peers.ts';
import { testUser } from '#test/support/user.ts';
import { removeContainers, succeed } from '#test/support/wherry.ts';

const missing = noPeers ?? noDistribution;
const CAPABILITY = '\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00';

const low: Entry[] = [
  ...busyboxEntries('/bin/busybox'),
  { name: 'gone/', type: 'directory' },
  { name: 'gone/a', content: 'a' },
  { name: 'kept/', type: 'directory', mode: 0o1770, uid: 12, gid: 34 },
  { name: 'kept/b', content: 'b', uid: 1234, gid: 2345, mode: 0o4755 },
  { name: 'opaque/', type: 'directory' },
  { name: 'opaque/old', content: 'o' },
  { name: 'swap', content: 'file' },
  { name: 'paws/', type: 'directory' },
  { name: 'one', content: '1' },
  { name: 'two', type: 'link', linkname: 'one' },
  { name: 'three', type: 'symlink', linkname: '../../outside' },
  { name: 'pipe', type: 'fifo', mode: 0o600 },
  { name: 'capable', content: 'x', mode: 0o755, pax: { 'SCHILY.xattr.security.capability': CAPABILITY } },
  { name: 'user-attribute', content: 'x', pax: { 'SCHILY.xattr.user.colour': 'red' } },
  { name: `${'n'.repeat(200)}`, content: 'long' },
  { name: `deep/${'d/'.repeat(60)}file`, content: 'deep' },
  { name: 'näme with späce 名', content: 'odd' },
  { name: 'precise', content: 'x', pax: { mtime: '981173106.789' } },
];
const high: Entry[] = [
  { name: '.wh.gone', content: '' },
  { name: 'opaque/', type: 'directory' },
  { name: 'opaque/.wh..wh..opq', content: '' },
  { name: 'opaque/new', content: 'n' },
  { name: 'swap/', type: 'directory' },
  { name: 'swap/in', content: 'in' },
  { name: 'paws', content: 'now a file' },
  { name: 'two', content: '2' },
];

/** A program of ours where podman has its own surroundings: /tmp is in both. */
function bringAlong(program: string): string {
  const path = execFileSync('sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8' }).trim();
  const directory = mkdtempSync(join(tmpdir(), 'wherry-diff-'));
  chmodSync(directory, 0o755);
  copyFileSync(path, join(directory, program));
  return join(directory, program);
}

/**
 * The lines of a listing. A directory that the archive only implies has the time when it was unpacked, here and there:
 * the archive's own times are long past. The root itself is left out: no layer says its mode, so each has its own
 * (podman 0555, Docker and we 0755).
 */
const settled = (listing: string) =>
  listing
    .split('\n')
    .map((line) => line.replace(/@ (\d+) /, (kept, time) => (Number(time) > 1.6e9 ? '@ WHEN UNPACKED ' : kept)));

describe.skipIf(missing !== undefined)(`an image unpacked by us and by podman (${missing ?? 'here'})`, () => {
  let registry: Distribution;
  beforeAll(async () => {
    registry = await startDistribution();
  });
  afterAll(() => registry.close());

  test('looks the same in every name, kind, mode, owner, time, link, content and attribute', async () => {
    const image = await registry.push('test/odd:1', { layers: [low, high], config: { Cmd: ['sh'] } });
    const tool = bringAlong('getfattr');
    onTestFinished(() => rmSync(dirname(tool), { recursive: true, force: true }));
    const list =
      'cd "$1" && find . -mindepth 1 -path ./proc -prune -o -path ./sys -prune -o -path ./dev -prune -o -path ./etc -prune -o -path ./run -prune -o -path ./.dockerenv -prune -o -print0 | ' +
      'sort -z | xargs -0 -n1 sh -c \'stat -c "%N %A %u:%g %h %T@ %Y %s" "$0"; [ -f "$0" ] && [ ! -h "$0" ] && cksum < "$0"; ' +
      `${tool} -d -m - --absolute-names -h "$0" | grep =; true'`;
    const { name } = testUser();
    const theirs = besidePodman(
      name,
      `podman pull -q --tls-verify=false ${image} >/dev/null && podman unshare sh -c ${quoted(`m=$(podman image mount ${image}); set -- "$m"; ${list}`)}`,
    );
    expect(theirs.stderr).toBe('');
    const id = await succeed('run', '-d', '--network', 'none', image, 'sleep', '1000');
    const { home, runtimeDir } = testUser();
    const holder = (await testUser().run('cut', ['-d ', '-f1', `${runtimeDir}/wherry/holder`])).stdout.trim();
    const merged = `${home}/.local/share/wherry/containers/${id}/merged`;
    const inside = ['-t', holder, '-U', '-m', '--preserve-credentials', 'sh', '-c', list, 'sh', merged];
    const ours = await testUser().run('nsenter', inside);
    await removeContainers();
    expect(ours.stderr).toBe('');
    expect(settled(ours.stdout)).toEqual(settled(theirs.stdout));
  });
});
