/** Dockerfiles that are odd or wrong: what Docker's builder says to them, asked again. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { docker, noDocker } from '#test/support/peers.ts';
import { judge, ODD_DOCKERFILES, type OddDockerfile } from '#test/support/plan.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-diff-dockerfile-'));
const file = join(folder, 'Dockerfile');
afterAll(() => rmSync(folder, { recursive: true }));

interface Checked {
  warnings: { ruleName: string; detail: string; location?: Located }[] | null;
  buildError?: { message: string; location?: Located };
}

interface Located {
  ranges?: { start: { line?: number } }[];
}

const firstLine = (located: Located | undefined) => located?.ranges?.[0]?.start.line;

function askDocker(text: string): OddDockerfile {
  writeFileSync(file, text);
  const asked = docker(['buildx', 'build', '--call=check,format=json', '-f', file, folder]);
  if (!asked.stdout.startsWith('{')) return { text, error: [/^ERROR: (.*)$/m.exec(asked.stderr)?.[1] ?? asked.stderr] };
  const { warnings, buildError: error }: Checked = JSON.parse(asked.stdout);
  const found = (warnings ?? []).map(({ ruleName, detail, location }): [string, number, string] => [
    ruleName,
    firstLine(location) ?? 0,
    detail,
  ]);
  const line = firstLine(error?.location);
  return {
    text,
    ...(found.length > 0 ? { warnings: found } : {}),
    ...(error === undefined ? {} : { error: line === undefined ? [error.message] : [error.message, line] }),
  };
}

/** A part of them: to ask for all takes minutes, and their answers are kept beside them for the unit tests. */
const SOME = ODD_DOCKERFILES.filter((_, index) => index % 20 === 0);

describe.skipIf(noDocker)('Docker and we', () => {
  test.each(SOME.map(({ text }) => [JSON.stringify(text), text]))('say the same to %s', async (_title, text) => {
    expect(await judge(text)).toEqual(askDocker(text));
  });
});
