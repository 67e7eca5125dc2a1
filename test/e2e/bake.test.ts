import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildContext, writeFiles } from '#test/support/build-context.ts';
import { BUSYBOX, readyStore, succeed, wherry } from '#test/support/wherry.ts';

beforeAll(readyStore);
afterAll(async () => {
  const { stdout } = await wherry(['images', '--format', '{{.Repository}}:{{.Tag}}']);
  await wherry(['rmi', '-f', ...stdout.split('\n').filter((name) => name.startsWith('bake/'))]);
  await wherry(['builder', 'prune', '-af']);
});

/** A directory of the user's with a bake file of these targets; what runs bake there. */
function baking(target: object, group: object = {}) {
  const root = buildContext({ 'docker-bake.json': JSON.stringify({ group, target }), f: 'hello\n' });
  const bake = (...words: string[]) => wherry(['buildx', 'bake', ...words], { cwd: root });
  return { root, bake };
}

const inline = (text: string, more: object = {}) => ({ 'dockerfile-inline': text, ...more });

test('targets of a group are built at once, share their steps, and stand on each other', async () => {
  const steps = `FROM ${BUSYBOX}\nRUN sleep 1; cat /proc/sys/kernel/random/uuid > /stamp\n`;
  const target = {
    one: inline(steps, { tags: ['bake/one'] }),
    two: inline(steps, { tags: ['bake/two'], labels: { second: 'yes' } }),
    top: inline('FROM base\nCOPY f /g\n', { tags: ['bake/top'], contexts: { base: 'target:one' } }),
  };
  const { bake, root } = baking(target, { default: { targets: ['one', 'two', 'top'] } });
  const { status, stderr } = await bake('--metadata-file', 'md.json');
  expect(status, stderr).toBe(0);
  expect(stderr).toMatch(/\[(one|two) 2\/2\] RUN/);
  const stamps = await Promise.all(
    ['one', 'two', 'top'].map((name) => succeed('run', '--rm', `bake/${name}`, 'cat', '/stamp')),
  );
  expect(new Set(stamps).size).toBe(1);
  const metadata = JSON.parse(readFileSync(join(root, 'md.json'), 'utf8'));
  expect(Object.keys(metadata).sort()).toEqual(['one', 'top', 'two']);
  expect(metadata.top).toMatchObject({ 'image.name': 'docker.io/bake/top' });
  expect(metadata.one).toMatchObject({ 'image.name': 'docker.io/bake/one' });
  expect(await succeed('images', '--format', '{{.Repository}}')).not.toContain('wherry-bake');
});

test('a target that is only linked leaves no name, and for several platforms it is there for each', async () => {
  const target = {
    base: inline('FROM scratch\nCOPY f /\n', { platforms: ['linux/amd64', 'linux/arm64'] }),
    top: inline('FROM base\nCOPY f /g\n', {
      contexts: { base: 'target:base' },
      platforms: ['linux/amd64', 'linux/arm64'],
      output: ['type=oci,dest=out,tar=false'],
    }),
  };
  const { bake, root } = baking(target);
  const { status, stderr } = await bake('top');
  expect(status, stderr).toBe(0);
  const [top] = JSON.parse(readFileSync(join(root, 'out/index.json'), 'utf8')).manifests;
  const index = JSON.parse(readFileSync(join(root, 'out/blobs', top.digest.replace(':', '/')), 'utf8'));
  expect(index.manifests.map(({ platform }: { platform: object }) => platform)).toMatchObject([
    { architecture: 'amd64' },
    { architecture: 'arm64' },
  ]);
});

test('of several targets an error says which one failed, with its line, and the others are ended', async () => {
  const target = { bad: inline('FROM scratch\nCOPY nope /\n'), slow: inline(`FROM ${BUSYBOX}\nRUN sleep 100\n`) };
  const { status, stderr } = await baking(target).bake('bad', 'slow');
  expect(status).toBe(1);
  expect(stderr).toContain('>>> COPY nope /');
  expect(stderr).toMatch(/^ERROR: target bad: failed to solve: .*"\/nope": not found$/m);
});

test('what reaches beyond the directory, or for the network of the host, has to be allowed', async () => {
  const outside = buildContext({});
  const target = {
    host: inline(`FROM ${BUSYBOX}\nRUN --network=host true\n`, { network: 'host' }),
    out: inline('FROM scratch\nCOPY f /\n', { output: [join(outside, 'made')] }),
    read: inline('FROM scratch\nCOPY . /\n', { context: outside }),
  };
  const { bake } = baking(target);
  for (const [name, key] of [
    ['host', 'network.host'],
    ['out', 'fs.write='],
    ['read', 'fs.read='],
  ] as const) {
    const { status, stderr } = await bake(name);
    expect(status).toBe(1);
    expect(stderr).toContain('ERROR: additional privileges requested');
    expect(stderr).toContain(`--allow ${key}`);
  }
  expect(await bake('--allow', 'network.host', 'host')).toMatchObject({ status: 0 });
  expect(await bake('--allow', `fs.write=${outside}`, 'out')).toMatchObject({ status: 0 });
  expect(existsSync(join(outside, 'made/f'))).toBe(true);
});

test('--check and --call tell of each target instead of building it', async () => {
  const target = {
    good: inline('FROM scratch\n'),
    odd: inline('from scratch\nCOPY f /\n', { description: 'the odd one' }),
  };
  const { bake } = baking(target);
  const { status, stdout } = await bake('--check', 'good', 'odd');
  expect(status).toBe(1);
  expect(stdout).toContain('good\n\nCheck complete, no warnings found.\n');
  expect(stdout).toContain('odd\nthe odd one\n\nCheck complete, 1 warning has been found!');
  const json = JSON.parse((await bake('--call', 'targets,format=json', 'good')).stdout);
  expect(json.target.good.targets.targets).toHaveLength(1);
});

test('services of a compose file are targets, too; HCL is refused with a way out', async () => {
  const { bake, root } = baking({});
  const compose =
    'services:\n  web:\n    image: bake/web\n    build: {dockerfile_inline: "FROM scratch\\nCOPY f /"}\n  db: {image: x}\n';
  writeFiles(root, { 'compose.yaml': compose, 'x.hcl': 'target "a" {}\n' });
  expect(await bake()).toMatchObject({ status: 0 });
  await succeed('image', 'inspect', 'bake/web');
  const { status, stderr } = await bake('-f', 'x.hcl');
  expect(status).toBe(1);
  expect(stderr).toContain('ERROR: Cannot read x.hcl: bake files in HCL are not supported');
  expect(stderr).toContain('hint: ');
});

test('targets of the same image go into archives at once, and leave none in the store, also when one cannot be written', async () => {
  const target = (name: string, output: string) => ({
    [name]: inline('FROM scratch\nCOPY f /\n', { output: [output] }),
  });
  const { bake, root } = baking({
    ...target('one', 'type=oci,dest=one.tar'),
    ...target('two', 'type=oci,dest=two.tar'),
    ...target('three', 'type=oci,dest=three.tar'),
    ...target('lost', 'type=oci,dest=none/lost.tar'),
  });
  const images = () => succeed('images', '-aq');
  const before = await images();
  const { status, stderr } = await bake('one', 'two', 'three');
  expect(status, stderr).toBe(0);
  expect(['one', 'two', 'three'].map((name) => existsSync(join(root, `${name}.tar`)))).toEqual([true, true, true]);
  expect(await images()).toBe(before);
  expect((await bake('lost')).status).toBe(1);
  expect(await images()).toBe(before);
});
