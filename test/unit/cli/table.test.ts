import { describe, expect, test } from 'vitest';
import type { Output } from '#cli/command.ts';
import { formatTable, printRows, type Row, type RowsOptions } from '#cli/table.ts';

async function printed(rows: Row[], options: Partial<RowsOptions>): Promise<string> {
  let text = '';
  const write = (data: string | Uint8Array) => {
    text += data;
  };
  const out: Output = { isTerminal: false, columns: 80, write, line: (line) => write(`${line}\n`) };
  const headers = { ID: 'CONTAINER ID', Image: 'IMAGE', Ports: 'PORTS', Names: 'NAMES' };
  await printRows(out, rows, {
    headers,
    columns: ['ID', 'Image', 'Ports', 'Names'],
    type: 'ContainerContext',
    ...options,
  });
  return text;
}

const label = (name: string) => ({ tier: 'front' })[name] ?? '';
const WEB = { ID: '77c9', Command: '"a && b"', Image: 'busybox', Label: label, Names: 'web', Ports: '' };

describe('formatTable()', () => {
  test('keeps columns three apart and at least ten wide; the last ends with its text', async () => {
    const text = await formatTable([
      ['ID', 'A LONG HEADER', 'NAMES'],
      ['1', 'x', 'web'],
      ['a longer cell', '', ''],
    ]);
    expect(text).toBe(
      [
        'ID              A LONG HEADER   NAMES',
        '1               x               web',
        'a longer cell                   ',
        '',
      ].join('\n'),
    );
  });

  test('draws hundreds of rows as it draws a few', async () => {
    const rows = Array.from({ length: 333 }, (_, at) => [`row ${at}`, 'x'.repeat(at % 40), 'end']);
    const lines = (await formatTable(rows)).trimEnd().split('\n');
    expect(lines).toEqual(rows.map(([one = '', two = '', end = '']) => one.padEnd(10) + two.padEnd(42) + end));
  });

  test('of no rows is nothing', async () => {
    expect(await formatTable([])).toBe('');
  });
});

describe('printRows()', () => {
  test.each<[Partial<RowsOptions>, string]>([
    [{}, 'CONTAINER ID   IMAGE     PORTS     NAMES\n77c9           busybox             web\n'],
    [{ format: 'table' }, 'CONTAINER ID   IMAGE     PORTS     NAMES\n77c9           busybox             web\n'],
    [{ quiet: 'ID', format: 'table' }, '77c9\n'],
    [{ format: '{{.ID}}\\t{{.Names}}\\n' }, '77c9\tweb\n\n'],
    [
      { format: 'table {{.ID}}\\t{{upper .Image}}\\tfoo' },
      'CONTAINER ID   IMAGE     foo\n77c9           BUSYBOX   foo\n',
    ],
    [{ format: 'table {{.ID}}\\t{{.Label "com.x.some-key"}}' }, 'CONTAINER ID   some key\n77c9           \n'],
    [{ format: '{{.Label "tier"}}' }, 'front\n'],
    [
      { format: 'json' },
      '{"Command":"\\"a \\u0026\\u0026 b\\"","ID":"77c9","Image":"busybox","Names":"web","Ports":""}\n',
    ],
    [
      { format: '{{json .}}' },
      '{"Command":"\\"a \\u0026\\u0026 b\\"","ID":"77c9","Image":"busybox","Names":"web","Ports":""}\n',
    ],
    [{ format: 'raw', raw: ['id: {{.ID}}'] }, 'id: 77c9\n\n'],
    [{ format: 'raw', raw: ['image: {{.Image}}', 'id: {{.ID}}'], quiet: 'ID' }, 'id: 77c9\n'],
  ])('prints %j as docker ps does', async (options, text) => {
    expect(await printed([WEB], options)).toBe(text);
  });

  test('prints the headers where there is nothing to list', async () => {
    expect(await printed([], {})).toBe('CONTAINER ID   IMAGE     PORTS     NAMES\n');
    expect(await printed([], { format: '{{.ID}}' })).toBe('');
  });

  test.each([
    ['{{.ID', 'failed to parse template: template: :1: unclosed action'],
    [
      '{{.Foo}}',
      `failed to execute template: template: :1:2: executing "" at <.Foo>: can't evaluate field Foo in type *formatter.ContainerContext`,
    ],
  ])('refuses %s in the words of docker ps', async (format, message) => {
    await expect(printed([WEB], { format })).rejects.toMatchObject({ kind: 'invalid', message });
  });
});
