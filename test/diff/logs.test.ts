import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clearTheStage, expectSame, ours, setTheStage, wordsOf } from '#test/support/compare.ts';
import { docker, noDocker } from '#test/support/peers.ts';

const IMAGE = 'localhost/busybox';
const NAMES = ['difflogs', 'difftty', 'diffnone', 'diffpart', 'difflabel'];

describe.skipIf(noDocker !== undefined)(`logs, by us and by docker (${noDocker ?? 'here'})`, () => {
  beforeAll(async () => {
    await setTheStage(NAMES);
    const lines = [
      // Pauses, as the order of two streams is nobody's promise.
      `run --name difflogs ${IMAGE} sh -c "for i in 1 2 3; do echo out $i; sleep 0.1; echo err $i >&2; sleep 0.1; done"`,
      `run -t --name difftty ${IMAGE} sh -c "echo out; echo err >&2"`,
      `run --name diffnone --log-driver none ${IMAGE} echo out`,
      `run --name diffpart ${IMAGE} sh -c "printf unfinished; sleep 0.1; printf '\\0\\377\\n\\n'; head -c 40000 /dev/zero | tr '\\0' x"`,
      `run --name difflabel --label a=b -e C=d -e E=f --log-opt labels=a --log-opt env=C,E ${IMAGE} echo out`,
    ].map((line) => line.replace('run ', 'run --network none '));
    for (const line of lines) {
      expect(await ours(wordsOf(line)), line).toMatchObject({ status: 0 });
      expect(docker(wordsOf(line)), line).toMatchObject({ status: 0 });
    }
  });
  afterAll(() => clearTheStage(NAMES));

  test.each([
    'logs difflogs',
    'logs --timestamps difflogs',
    'logs -t --tail 2 difflogs',
    'logs -n 1 difflogs',
    'logs --tail 0 difflogs',
    'logs --tail -1 difflogs',
    'logs --tail all difflogs',
    'logs --follow difflogs',
    'logs -f --tail 1 difflogs',
    'logs --since 1h difflogs',
    'logs --until 1h difflogs',
    'logs --since 2000-01-01 --until 2001-01-01 difflogs',
    'logs --since 2000-01-01T00:00:00Z difflogs',
    'logs --since 1.5 --tail 1 difflogs',
    'logs --until 0 difflogs',
    'logs --since 2100-01-01 difflogs',
    'logs --details difflogs',
    'logs --since x difflogs',
    'logs --until 99999999999999999999 difflogs',
    'logs --until 9999999999999 difflogs',
    'logs --since 9999999999999 difflogs',
    'logs --since 0 difflogs',
    'logs --since 00 difflogs',
    'logs --since 2024-13-01 difflogs',
    'logs -x difflogs',
    'logs',
    'logs difflogs difftty',
    'logs difftty',
    'logs -t difftty',
    'logs diffnone',
    'logs diffpart',
    'logs -t --tail 1 diffpart',
    'logs --details difflabel',
    'logs --details -t difflabel',
    'container logs difflogs',
  ])('docker %s', (line) => expectSame(line));

  test('docker logs --since -5 is refused, in words for people where Docker has those of a parser in Go', async () => {
    const args = wordsOf('logs --since -5 difflogs');
    const [own, theirs] = [await ours(args), docker(args)];
    expect([own.status, own.stdout]).toEqual([theirs.status, theirs.stdout]);
    expect(own.stderr).toMatch(/^invalid value for "since": parsing time "-5": /);
  });
});
