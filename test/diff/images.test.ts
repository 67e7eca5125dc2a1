import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectSame, ours } from '#test/support/compare.ts';
import { type Distribution, noDistribution, startDistribution } from '#test/support/distribution.ts';
import { writeArchive } from '#test/support/image.ts';
import { bringArchive, docker, noDocker } from '#test/support/peers.ts';

const missing = noDocker ?? noDistribution;
/** All that is made here has this label: Docker's own images are none of ours to remove. */
const LABEL = 'wherry.test.diff';

let directory: string;
let registry: Distribution;
/** By the words that stand for them in lines. */
const words: Record<string, string> = {};

/** A line with {words} filled in. */
const fill = (line: string) => line.replace(/\{(\w+)\}/g, (_all, word: string) => words[word] ?? '');
const same = (line: string, input?: string) => expectSame(fill(line), input);

const base = [{ name: 'base', content: 'b'.repeat(1000) }];

async function clear(): Promise<void> {
  docker(['rm', '-f', 'wd1', 'wd2']);
  await ours(['rm', '-f', 'wd1', 'wd2']);
  for (const run of [docker, ours]) {
    const { stdout } = await run(['images', '-aq', '--filter', `label=${LABEL}`]);
    const ids = [...new Set(stdout.split('\n').filter(Boolean))];
    if (ids.length > 0) await run(['rmi', '-f', ...ids]);
  }
}

/** The same images here and there: two that share a layer, one of them with two names; one by its digest. */
async function makeImages(): Promise<void> {
  for (const run of [docker, ours]) {
    expect(await run(['load', '-q', '-i', join(directory, 'all.tar')])).toMatchObject({ status: 0 });
    expect(await run(['pull', '-q', words.pulled ?? ''])).toMatchObject({ status: 0 });
  }
}

/** Docker's own archive of the images, which both load in one step. */
async function makeArchive(): Promise<void> {
  const image = async (name: string, layers: object[][], labels?: object) => {
    const reference = `wd/${name}:1`;
    const archive = join(directory, `${name}.tar`);
    const labelled = { Cmd: ['x'], Labels: { [LABEL]: '1', ...labels } };
    await writeArchive(archive, [{ reference, layers: layers as never, config: labelled }]);
    bringArchive(archive, reference);
    words[name] = docker(['image', 'inspect', '--format', '{{.Id}}', reference]).stdout.trim();
    words[`${name}12`] = words[name].slice('sha256:'.length).slice(0, 12);
  };
  await image('one', [base, [{ name: 'one', content: '1' }]], { colour: 'red' });
  await image('two', [base, [{ name: 'two', content: '22' }]], { colour: 'blue' });
  await image('other', [[{ name: 'other', content: '3' }]]);
  docker(['tag', 'wd/two:1', 'wd/two:2']);
  const all = join(directory, 'all.tar');
  expect(docker(['save', '-o', all, 'wd/one:1', 'wd/two:1', 'wd/two:2', 'wd/other:1'])).toMatchObject({ status: 0 });
  chmodSync(all, 0o644);
}

describe.skipIf(missing !== undefined)(`with Docker (${missing ?? 'here'})`, () => {
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wherry-diff-'));
    chmodSync(directory, 0o755);
    await makeArchive();
    registry = await startDistribution();
    words.pulled = await registry.push('wd/pulled:1', {
      layers: [[{ name: 'pulled', content: 'p' }]],
      config: { Cmd: ['x'], Labels: { [LABEL]: '1' } },
    });
    words.host = registry.host;
    const digest = execFileSync('skopeo', [
      'inspect',
      '--tls-verify=false',
      '--format',
      '{{.Digest}}',
      `docker://${words.pulled}`,
    ]);
    words.byDigest = `${registry.host}/wd/pulled@${digest.toString().trim()}`;
    words.hex = 'a'.repeat(64);
  });
  const renew = async () => {
    await clear();
    await makeImages();
  };
  afterAll(async () => {
    await clear();
    await registry?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  describe('removing', () => {
    beforeEach(renew);

    test.each([
      ['the last name takes the image', ['rmi wd/one:1', 'rmi wd/other']],
      ['one of two names goes alone', ['rmi wd/two:1', 'rmi wd/two:2']],
      ['several names', ['rmi wd/one:1 nope wd/other:1 wd/one:1']],
      ['an ID, whole, short and with its algorithm', ['rmi {one}', 'rmi {other12}']],
      ['an ID with several names', ['rmi {two12}', 'rmi -f {two12}']],
      ['an ID with several names of two repositories', ['tag wd/one:1 wd/more:1', 'rmi {one12}', 'rmi -f {one12}']],
      ['a digest', ['rmi {byDigest}', 'images {host}/wd/pulled', 'rmi {pulled}']],
      ['a tag with digests', ['rmi {pulled}', 'image inspect --format {{.Id}} {byDigest}']],
      ['a tag and a digest together', ['rmi {pulled}@sha256:{hex}', 'image inspect -f {{.Id}} {pulled}@sha256:{hex}']],
      [
        'an image in use by a stopped container',
        ['create --name wd1 wd/one:1', 'rmi wd/one:1', 'rmi {one12}', 'rmi -f wd/one:1', 'images wd/one', 'rm wd1'],
      ],
      [
        'one of two names of an image in use',
        ['create --name wd1 wd/two:1', 'rmi wd/two:2', 'rmi wd/two:1', 'rmi {two12}'],
      ],
      [
        'by force, what a stopped container uses',
        ['create --name wd1 wd/two:1', 'rmi -f {two12}', 'image inspect {two12}'],
      ],
      ['what is not there, by force', ['rmi -f nope', 'rmi -f nope wd/one:1']],
      ['--no-prune', ['rmi --no-prune wd/one:1']],
      [
        'platforms',
        ['rmi --platform linux/arm64 wd/one:1', 'rmi --platform x wd/one:1', 'rmi --platform linux/amd64 wd/one:1'],
      ],
    ] as const)('rmi: %s', async (_, lines) => {
      for (const line of lines) await same(line);
    });
  });

  describe('names, and lists', () => {
    beforeAll(renew);

    test.each([
      'rmi NOPE',
      'rmi a:b:c',
      'rmi wd/one@sha256:abc',
      'rmi :x',
      'rmi sha256:0000',
      'rmi {hex}',
      'rmi localhost:5000',
      'rmi ""',
      `rmi ${'a'.repeat(300)}`,
      'rmi -f NOPE',
      'image inspect NOPE',
      'image inspect nope',
      'image inspect {hex}',
      'image inspect ""',
      'image inspect -f {{.Id}} {one12} {two} wd/other docker.io/wd/other:1 index.docker.io/wd/other',
      'inspect --type image -f {{.Id}} {one12}',
      'image inspect -f {{.RepoTags}} sha256:{one12}',
      'image inspect -f {{.Id}} e',
      'tag wd/one:1 Foo/Bar',
      'tag wd/one:1 FOO',
      'tag nope foo',
      'tag NOPE foo',
      'tag {hex} foo',
      `tag wd/one:1 foo:${'a'.repeat(129)}`,
      'tag wd/one:1 foo@sha256:{hex}',
      'tag wd/one:1 {hex}',
      'tag wd/one:1 ""',
      'tag wd/one:1',
      'pull NOPE',
      'pull a:b:c',
      'pull foo@sha256:zz',
      'pull foo@md5:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
      'pull {hex}',
      'pull ""',
      'pull {host}/wd/nope',
      'pull -a {host}/wd/pulled:1',
      'pull -q {pulled}',
      'images NOPE',
      'images [',
      'images wd/o?e*',
      'images wd/one:*',
      'images wd/t?o:[12]',
      'images wd',
      'images docker.io/wd/one',
      'images --digests wd/one',
      'images --digests {host}/wd/pulled',
      'images --no-trunc wd/two',
      'images -q wd/two',
      'images -q --no-trunc wd/two',
      'images -f reference=wd/two:1 -f reference=wd/two:2',
      'images -f label=colour',
      'images -f label=colour=red',
      `images -f label=${LABEL} -f label=colour=blue`,
      'images -f dangling=maybe',
      'images -f nope=1',
      'images -f reference',
      'images -f before=nope',
      'images -f before=wd/one:1 -f label=wherry.test.diff',
      'images -f since=NOPE',
      'images wd/one --format "{{.Repository}} {{.Tag}} {{.ID}} {{.Digest}} {{.Size}} {{.Containers}} {{.SharedSize}} {{.UniqueSize}}"',
      'images wd/one --format json',
      'images wd/one --format "table {{.ID}}\\t{{.Repository}}"',
      'images wd/one --format {{.Nope}}',
      'images --tree wd/one -q',
    ])('%s', (line) => same(line));
  });

  describe('prune', () => {
    /** Docker takes an image without any settings for one with every label: others' are kept by their age. */
    const label = `--filter label=${LABEL} --filter until=1999-01-01`;
    beforeEach(renew);

    test.each([
      ['nameless images', ['tag wd/one:1 wd/other:1', `image prune -f ${label}`, `image prune -f ${label}`]],
      [
        'an image that is in use stays',
        [
          'create --name wd1 wd/one:1',
          `image prune -a -f ${label} --filter label=colour=red`,
          'rm wd1',
          `image prune -a -f ${label} --filter label=colour=red`,
        ],
      ],
      [
        'one of two names of what is in use',
        ['create --name wd1 wd/two:1', `image prune -a -f ${label} --filter label=colour=blue`, 'images wd/two'],
      ],
      ['an image with a digest', ['rmi wd/other:1', `image prune -a -f ${label} --filter label!=colour`]],
      ['labels that must not be', [`image prune -a -f ${label} --filter label=colour --filter label!=colour=blue`]],
      ['times', [`image prune -a -f ${label} --filter until=1900-01-01`, `image prune -f ${label} --filter until=x`]],
      [
        'filters that are none',
        [
          `image prune -f ${label} --filter foo=bar`,
          'image prune -f --filter foo',
          `image prune -f ${label} --filter dangling=false`,
        ],
      ],
      [
        'containers',
        [
          'create --name wd1 --label wherry.test.diff=1 wd/one:1',
          `container prune -f --filter label=${LABEL}`,
          `container prune -f --filter label=${LABEL}`,
          `container prune -f --filter label=${LABEL} --filter x=y`,
        ],
      ],
      [
        'volumes',
        [
          'volume prune -f --filter label=nobody.has.this',
          'volume prune -a --filter all=1',
          'volume prune -f --filter all=x',
          'volume prune -f --filter until=1h',
        ],
      ],
      ['networks', ['network prune -f --filter label=nobody.has.this', 'network prune -f --filter x=y']],
      [
        'all',
        [
          'create --name wd1 --label wherry.test.diff=1 wd/one:1',
          `system prune -f ${label}`,
          `system prune -a -f ${label} --filter label=colour=red`,
          'system prune -f --volumes --filter until=1h',
        ],
      ],
    ] as const)('%s', async (_, lines) => {
      for (const line of lines) await same(line);
    });
  });

  describe('system df', () => {
    beforeAll(renew);

    test.each([
      'system df --format {{.Nope}}',
      'system df --format {{',
      'system df --format {{.Type}}',
      'system df -v --format {{.Nope}}',
      'system df -v --format {{',
      'system df x',
    ])('%s', (line) => same(line));

    test('images have the same sizes, of which they share the same', async () => {
      await same('create --name wd1 wd/one:1');
      const fields = '{{.Repository}} {{.Size}} {{.SharedSize}} {{.UniqueSize}} {{.Containers}} {{.ID}}';
      const format = `{{range .Images}}${fields}\n{{end}}`;
      const lines = ({ stdout }: { stdout: string }) => stdout.split('\n').filter((line) => line.startsWith('wd/'));
      const [here, there] = [
        await ours(['system', 'df', '-v', '--format', format]),
        docker(['system', 'df', '-v', '--format', format]),
      ];
      expect(lines(here).sort()).toEqual(lines(there).sort());
      expect(lines(here)).toHaveLength(3);
    });

    test('the tables have the same heads', async () => {
      const heads = ({ stdout }: { stdout: string }) =>
        stdout.split('\n').filter((line) => /^[A-Z][A-Z ]+$|:$|^Build|^$/.test(line));
      const squeeze = (line: string) => line.replace(/ {2,}/g, '  ').trim();
      for (const args of [
        ['system', 'df'],
        ['system', 'df', '-v'],
      ]) {
        expect(heads(await ours(args)).map(squeeze)).toEqual(heads(docker(args)).map(squeeze));
      }
    });
  });

  describe('prune', () => {
    test.each([
      'image prune',
      'image prune -a',
      'container prune',
      'volume prune',
      'volume prune -a',
      'network prune',
      'system prune',
      'system prune -a --volumes --filter label=b --filter label!=a',
      'image prune x',
    ])('%s asks first', async (line) => {
      await same(line, 'n\n');
      await same(line, '');
    });
  });
});
