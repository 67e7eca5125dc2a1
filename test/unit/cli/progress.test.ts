import { describe, expect, test } from 'vitest';
import type { Progress } from '#base/progress.ts';
import type { Output } from '#cli/command.ts';
import { showProgress } from '#cli/progress.ts';

function screen(terminal: boolean, columns = 80): { out: Output; text: () => string } {
  let text = '';
  const write = (data: string | Uint8Array) => {
    text += data;
  };
  return { out: { isTerminal: terminal, columns, write, line: (line) => write(`${line}\n`) }, text: () => text };
}

const layer = (
  id: string,
  status: (Progress & { kind: 'layer' })['status'],
  current?: number,
  total?: number,
): Progress => ({
  kind: 'layer',
  id,
  status,
  ...(current === undefined ? {} : { current }),
  ...(total === undefined ? {} : { total }),
});

const PULL: Progress[] = [
  { kind: 'resolving', reference: 'redis:latest' },
  { kind: 'message', id: 'latest', text: 'Pulling from library/redis' },
  layer('aaa', 'Already exists'),
  layer('bbb', 'Pulling fs layer'),
  layer('bbb', 'Downloading', 69_210, 3_935_000),
  layer('bbb', 'Download complete'),
  layer('bbb', 'Extracting', 3_935_000, 3_935_000),
  layer('bbb', 'Pull complete'),
  { kind: 'message', text: 'Digest: sha256:1' },
];

describe('showProgress()', () => {
  test('writes a line for each step where there is no terminal, as docker pull does', () => {
    const { out, text } = screen(false);
    const view = showProgress(out);
    PULL.forEach(view.report);
    view.end();
    expect(text().split('\n')).toEqual([
      'latest: Pulling from library/redis',
      'aaa: Already exists',
      'bbb: Pulling fs layer',
      'bbb: Download complete',
      'bbb: Pull complete',
      'Digest: sha256:1',
      '',
    ]);
  });

  test('goes up to the line of each layer on a terminal, and back', () => {
    const { out, text } = screen(true);
    const view = showProgress(out);
    PULL.slice(2, 6).forEach(view.report);
    expect(text()).toBe(
      '\n\x1b[1A\x1b[2K\raaa: Already exists \r\x1b[1B' +
        '\n\x1b[1A\x1b[2K\rbbb: Pulling fs layer \r\x1b[1B' +
        '\x1b[1A\x1b[2K\rbbb: Downloading  69.21kB/3.935MB\r\x1b[1B' +
        '\x1b[1A\x1b[2K\rbbb: Download complete \r\x1b[1B',
    );
  });

  test('draws a bar on a wide terminal, and no line longer than a narrow one', () => {
    const wide = screen(true, 120);
    showProgress(wide.out).report(layer('aaa', 'Downloading', 50, 100));
    expect(wide.text()).toContain(`aaa: Downloading [${'='.repeat(25)}>${' '.repeat(25)}]      50B/100B`);
    const narrow = screen(true, 20);
    showProgress(narrow.out).report(layer('aaa', 'Downloading', 50, 100));
    expect(narrow.text()).toContain('\raaa: Downloading   \r');
  });

  test('does not draw the same step again at once', () => {
    const { out, text } = screen(true);
    const view = showProgress(out);
    for (let done = 1; done <= 100; done += 1) view.report(layer('aaa', 'Downloading', done, 100));
    expect(text().match(/Downloading/g)?.length).toBeLessThan(50);
  });

  test('says nothing when quiet', () => {
    const { out, text } = screen(true);
    const view = showProgress(out, { quiet: true });
    PULL.forEach(view.report);
    view.end();
    expect(text()).toBe('');
  });
});
