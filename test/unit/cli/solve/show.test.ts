import { expect, test } from 'vitest';
import { showBuild } from '#cli/solve/show.ts';

/** What is written of a build with one step. */
function shown(options: Parameters<typeof showBuild>[2]) {
  let written = '';
  const write = (text: string | Uint8Array) => {
    written += text;
  };
  const out = { isTerminal: false, columns: 80, write, line: (text: string) => write(`${text}\n`) };
  const view = showBuild(out, 'plain', options);
  const about = { kind: 'vertex', id: 'sha256:1', name: '[1/1] RUN true', inputs: [], cached: false } as const;
  view.report({ ...about, started: 1, completed: 2 });
  view.end();
  return written;
}

test('a build is told with its builder', () => {
  const said = shown({ builder: { name: 'ci', driver: 'docker' } });
  expect(said).toMatch(/^#0 building with "ci" instance using docker driver\n\n#1 \[1\/1\] RUN true\n/);
});

test('that of a project has no builder to tell of', () => {
  expect(shown({})).toMatch(/^#1 \[1\/1\] RUN true\n/);
});
