import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectSame, ours, wordsOf } from '#test/support/compare.ts';
import { type Distribution, noDistribution, startDistribution } from '#test/support/distribution.ts';
import { docker, noDocker } from '#test/support/peers.ts';

let registry: Distribution;
const reason = noDocker ?? noDistribution;

/** Names of layers and digests: Docker compresses anew what it pushes, so that its digests are others. */
const steps = (text: string) =>
  text
    .replaceAll(/sha256:[0-9a-f]{64} size: \d+/g, 'DIGEST')
    .split('\n')
    .sort();

/** A line with R for the registry, by both; the same status, the same lines (layers end in any order), the same errors. */
async function expectSameSteps(line: string): Promise<string[]> {
  const args = wordsOf(line.replaceAll('R/', `${registry.host}/`));
  const [own, theirs] = [await ours(args), docker(args)];
  expect([own.status, steps(own.stdout), own.stderr.replace(/^hint: .*\n/gm, '')]).toEqual([
    theirs.status,
    steps(theirs.stdout),
    theirs.stderr,
  ]);
  return own.stdout.split('\n');
}

const target = (who: string) => `${registry.host}/${who}/image:1`;
const layers = ['one', 'two', 'three'].map((content) => [{ name: content, content }]);

describe.skipIf(reason !== undefined)(`beside docker (${reason ?? 'here'})`, () => {
  beforeAll(async () => {
    registry = await startDistribution();
    const image = { layers, config: { Cmd: ['x'] } };
    await registry.push('src/image:1', image);
    await registry.push('src/arm:1', { ...image, architecture: 'arm64' });
    const line = (text: string) => wordsOf(text.replaceAll('R/', `${registry.host}/`));
    for (const text of [
      'pull -q R/src/image:1',
      'tag R/src/image:1 R/to/image:1',
      'tag R/src/image:1 R/to/image:2',
      'tag R/src/image:1 R/own/image:1',
      'tag R/src/image:1 R/theirs/image:1',
      'tag R/src/image:1 localhost:1/x:1',
    ]) {
      expect([(await ours(line(text))).status, docker(line(text)).status]).toEqual([0, 0]);
    }
  });
  afterAll(async () => {
    const names = ['src/image:1', 'to/image:1', 'to/image:2', 'own/image:1', 'theirs/image:1'].map(
      (name) => `${registry.host}/${name}`,
    );
    docker(['rmi', ...names, 'localhost:1/x:1']);
    await ours(['rmi', ...names, 'localhost:1/x:1']);
    await registry.close();
  });

  test('push says the same steps, when layers are mounted and when they are there', async () => {
    // Who comes second would find everything there: each has a repository of its own.
    const [own, theirs] = [await ours(['push', target('own')]), docker(['push', target('theirs')])];
    expect(steps(own.stdout.replaceAll('/own/', '/theirs/'))).toEqual(steps(theirs.stdout));
    expect(own.stdout).toContain(': Mounted from src/image\n');
    await ours(['push', '-q', `${registry.host}/to/image:1`]);
    docker(['push', '-q', `${registry.host}/to/image:1`]);
    await expectSameSteps('push R/to/image:1');
    await expectSameSteps('push -a R/to/image');
    await expectSameSteps('push --platform linux/amd64 R/to/image:2');
  });

  test.each([
    'push -q R/to/image:1',
    'push -q -a R/to/image',
    'push R/to/image',
    'push R/to/image:3',
    'push R/to/none',
    'push -a R/to/none',
    'push -a R/to/image:1',
    'push UPPER',
    'push localhost:1/x:1',
    'push --platform linux/arm64 R/to/image:1',
    'push --platform linux/amd64 R/to/image:9',
    'push --platform a/b/c/d R/to/image:1',
    'push',
    'push a b',
    `push R/to/image@sha256:${'0'.repeat(64)}`,
  ])('%s', async (line) => {
    await expectSameSteps(line);
  });

  test.each([
    'inspect --insecure R/src/image:1',
    'inspect --insecure -v R/src/image:1',
    'inspect --insecure R/none:1',
    'inspect UPPER',
    'inspect x R/src/image:1',
    'create --insecure R/l/list:1 R/src/image:1 R/src/arm:1',
    'create --insecure R/l/list:1 R/src/image:1',
    'create --insecure R/l/none:1 R/src/none:1',
    'create UPPER x',
    'create x UPPER',
    'inspect R/l/list:1',
    'inspect -v R/l/list:1',
    'inspect R/l/list:1 R/src/arm:1',
    'annotate --variant v8 --os-version 1 --os-features a,b --os-features b R/l/list:1 R/src/arm:1',
    'annotate --arch vax R/l/list:1 R/src/arm:1',
    'annotate --arch arm R/l/list:1 R/src/none:1',
    'annotate x UPPER',
    'inspect R/l/list:1',
    'push --insecure R/l/list:1',
    'create --insecure R/l/other:1 R/l/list:1',
    'push --insecure -p R/l/list:1',
    'push --insecure R/l/list:1',
    'inspect --insecure R/l/list:1',
    'inspect --insecure -v R/l/list:1',
    'create --insecure localhost:1/x:1 R/src/image:1',
    'push --insecure localhost:1/x:1',
    'inspect localhost:1/x:1',
    'rm localhost:1/x:1 R/l/none:1 UPPER',
    'push',
    'inspect a b c',
  ])('manifest %s', async (line) => {
    await expectSame(`manifest ${line.replaceAll('R/', `${registry.host}/`)}`);
  });
});
