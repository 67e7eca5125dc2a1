import { describe, expect, test } from 'vitest';
import { WherryError } from '#base/error.ts';
import { type FailOptions, fail, hintLine, Interrupted } from '#cli/fail.ts';

function failed(error: unknown, options: Partial<FailOptions> = {}): { status: number; text: string } {
  let text = '';
  const line = (written: string) => {
    text += `${written}\n`;
  };
  const err = { isTerminal: false, columns: 80, write: (data: string | Uint8Array) => line(String(data)), line };
  return { status: fail(err, error, { program: 'docker', name: 'run', ...options }), text };
}

describe('fail()', () => {
  test.each([
    ['not-found', 'Error response from daemon: No such thing\n'],
    ['conflict', 'Error response from daemon: No such thing\n'],
    ['denied', 'Error response from daemon: No such thing\n'],
    ['unavailable', 'Error response from daemon: No such thing\n'],
    ['invalid', 'No such thing\n'],
    ['unsupported', 'No such thing\n'],
    ['corrupt', 'No such thing\n'],
  ] as const)('writes an error of kind %s as Docker would, status 1', (kind, text) => {
    expect(failed(new WherryError(kind, 'No such thing'))).toEqual({ status: 1, text });
  });

  test('writes the hint on a line of its own', () => {
    expect(failed(new WherryError('invalid', 'No', { hint: 'Yes' })).text).toBe('No\nhint: Yes\n');
  });

  test('points to the help of run, status 125', () => {
    expect(failed(new WherryError('not-found', 'No such image: x'), { prefixed: true })).toEqual({
      status: 125,
      text: "docker: Error response from daemon: No such image: x\n\nRun 'docker run --help' for more information\n",
    });
  });

  test('takes the status that the error has', () => {
    expect(failed(new WherryError('invalid', 'x', { exitCode: 127 }), { prefixed: true }).status).toBe(127);
  });

  test('is quiet about a reader that has gone', () => {
    expect(failed(Object.assign(new Error('EPIPE'), { code: 'EPIPE', syscall: 'write' }))).toEqual({
      status: 141,
      text: '',
    });
  });

  test('is quiet about an interruption, also one that an error was made of', () => {
    const interrupted = new Interrupted('SIGINT', 2);
    expect(failed(interrupted, { interrupted })).toEqual({ status: 130, text: '' });
    const wrapped = new WherryError('unavailable', 'Cannot pull', { cause: interrupted });
    expect(failed(wrapped, { interrupted })).toEqual({ status: 130, text: '' });
  });

  test.each([
    ['ENOSPC', 'no space left on device', '\nhint: Free some space there (docker system df shows what wherry uses)'],
    ['EDQUOT', 'disk quota exceeded', '\nhint: Free some space there (docker system df shows what wherry uses)'],
    ['EROFS', 'read-only file system', ''],
    ['ENOMEM', 'cannot allocate memory', ''],
    ['EMFILE', 'too many open files', ''],
    ['EIO', 'input/output error', ''],
  ])('tells what the machine has too little of, whatever call meets it: %s', (code, words, hint) => {
    const error = Object.assign(new Error(`${code}: of Node`), { code, syscall: 'mkdir', path: '/store/x' });
    expect(failed(error)).toEqual({ status: 1, text: `Error response from daemon: mkdir /store/x: ${words}${hint}\n` });
    expect(failed(error, { prefixed: true }).status).toBe(125);
  });

  test('asks for a report of what is our defect, with its causes', () => {
    const { status, text } = failed(new TypeError('x is not a function', { cause: new Error('because') }));
    expect(status).toBe(70);
    expect(text).toMatch(/please report it[\s\S]*TypeError: x is not a function[\s\S]*caused by: Error: because/);
  });
});

test.each([
  ['Run `wherry system check --repair`, and pull', 'hint: Run `docker system check --repair`, and pull'],
  ['Log in first: wherry login x', 'hint: Log in first: docker login x'],
  ['(wherry system df shows what wherry uses)', 'hint: (docker system df shows what wherry uses)'],
  ['see man wherry-run', 'hint: see man wherry-run'],
])('called as docker, a hint names its commands so: %s', (hint, line) => {
  expect(hintLine('docker', hint)).toBe(line);
  expect(hintLine('wherry', hint)).toBe(`hint: ${hint}`);
});
