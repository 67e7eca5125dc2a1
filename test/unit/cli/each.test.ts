import { describe, expect, test } from 'vitest';
import { WherryError } from '#base/error.ts';
import type { Context, Output } from '#cli/command.ts';
import { eachName, inspectEach } from '#cli/each.ts';

function stage(): { context: Context; out: string[]; err: string[] } {
  const sink = (lines: string[]): Output => ({
    isTerminal: false,
    columns: 80,
    write: (data) => lines.push(String(data).trimEnd()),
    line: (line) => lines.push(line),
  });
  const out: string[] = [];
  const err: string[] = [];
  return { context: { out: sink(out), err: sink(err) } as Context, out, err };
}

const missing = (name: string) => new WherryError('not-found', `No such container: ${name}`, { hint: 'Look for it' });

describe('eachName()', () => {
  test('tries all names, and answers in their order, whatever comes first', async () => {
    const { context, out, err } = stage();
    const release = Promise.withResolvers<void>();
    const status = await eachName(context, ['slow', 'nosuch', 'fast'], async (name) => {
      if (name === 'nosuch') throw missing(name);
      if (name === 'slow') await release.promise;
      else release.resolve();
    });
    expect(status).toBe(1);
    expect(out).toEqual(['slow', 'fast']);
    expect(err).toEqual(['Error response from daemon: No such container: nosuch', 'hint: Look for it']);
  });

  test('works on no more names at a time than it may', async () => {
    let running = 0;
    let most = 0;
    await eachName(
      stage().context,
      Array.from({ length: 20 }, String),
      async () => {
        running += 1;
        most = Math.max(most, running);
        await Promise.resolve();
        running -= 1;
      },
      { parallel: 3 },
    );
    expect(most).toBe(3);
  });

  test('shows what the command wants to show, and sums up what failed', async () => {
    const { context, out, err } = stage();
    const action = (name: string) => {
      if (name === 'b') throw missing(name);
      return name.toUpperCase();
    };
    const status = await eachName(context, ['a', 'b'], action, {
      show: (name, result) => `${name}: ${result}`,
      sum: (failed) => `Error: failed to start containers: ${failed.join(', ')}`,
    });
    expect([status, out, err.at(-1)]).toEqual([1, ['a: A'], 'Error: failed to start containers: b']);
  });

  test('lets through what is no expected failure', async () => {
    await expect(
      eachName(stage().context, ['a'], () => {
        throw new TypeError('defect');
      }),
    ).rejects.toThrow(TypeError);
  });
});

describe('inspectEach()', () => {
  const find = (name: string) => {
    if (name === 'nosuch') throw missing(name);
    return { Name: name };
  };

  test.each([
    ['', ['web', 'nosuch'], '[\n    {\n        "Name": "web"\n    }\n]'],
    ['', ['nosuch'], '[]'],
    ['json', ['web'], '[{"Name":"web"}]'],
    ['{{.Name}}', ['web', 'db', 'nosuch'], 'web\ndb'],
    ['{{.Name}}', ['nosuch'], ''],
  ])('prints with format %j what was found of %j', async (format, names, text) => {
    const { context, out, err } = stage();
    const status = await inspectEach(context, names, find, format);
    expect(out.join('\n')).toBe(text);
    expect(status).toBe(names.includes('nosuch') ? 1 : 0);
    expect(err.length).toBe(names.includes('nosuch') ? 2 : 0);
  });

  test('prints what a template makes of the others when it does not fit one', async () => {
    const { context, out, err } = stage();
    const named = (name: string) => (name === 'odd' ? { Name: 'flat' } : { Name: { First: name } });
    expect(await inspectEach(context, ['odd', 'web'], named, '{{.Name.First}}', { as: (error) => error.message })).toBe(
      1,
    );
    expect(out).toEqual(['web']);
    expect(err).toEqual([expect.stringContaining("can't evaluate field First in type")]);
  });

  test('says what is missing as the command wants it said', async () => {
    const { context, err } = stage();
    await inspectEach(context, ['nosuch'], find, '', { as: () => 'Error: No such object: nosuch' });
    expect(err[0]).toBe('Error: No such object: nosuch');
  });
});
