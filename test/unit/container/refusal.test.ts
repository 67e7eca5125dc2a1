import { describe, expect, test } from 'vitest';
import {
  type Attempt,
  execRefusal,
  inDockersWords,
  portRefusal,
  refusedByKernel,
  startRefusal,
} from '#container/refusal.ts';

const attempt: Attempt = { kind: 'run', runtime: 'crun', command: '/etc/passwd', directory: '/' };

test.each([
  [
    'executable file `nosuch` not found in $PATH: No such file or directory',
    'exec: "nosuch": executable file not found in $PATH',
  ],
  [
    'executable file `/nosuch` not found in $PATH: No such file or directory',
    'exec: "/nosuch": stat /nosuch: no such file or directory',
  ],
  ['open executable: Permission denied', 'exec: "/etc/passwd": permission denied'],
  ['open executable: Operation not permitted', 'exec: "/etc/passwd": is a directory: permission denied'],
  ['chdir `/x`: Permission denied', 'chdir to cwd ("/x") set in config.json failed: permission denied'],
  [
    'runc run failed: unable to start container process: exec: "nosuch": executable file not found in $PATH',
    'exec: "nosuch": executable file not found in $PATH',
  ],
  [
    'OCI runtime create failed: create failed: unable to start container process: exec: "x": permission denied',
    'exec: "x": permission denied',
  ],
  ['OCI runtime create failed: create failed: mount `proc`: busy', 'mount `proc`: busy'],
])('%j is said as Docker says it', (text, words) => {
  expect(inDockersWords(text, attempt)).toBe(words);
});

test('a directory that may not be executed is called one, whatever the runtime says', () => {
  for (const text of ['open executable: Permission denied', 'exec: "/etc": permission denied']) {
    expect(inDockersWords(text, { ...attempt, command: '/etc', isDirectory: true })).toBe(
      'exec: "/etc": is a directory: permission denied',
    );
  }
});

describe('a start that was refused', () => {
  test.each([
    ['executable file `x` not found', 127, 'not-found'],
    ['open executable: Permission denied', 126, 'denied'],
    ['mount `proc`: busy', 125, 'unavailable'],
  ])('%j has the status %i', (text, exitCode, kind) => {
    expect(startRefusal(`OCI runtime create failed: create failed: ${text}`, attempt)).toMatchObject({
      exitCode,
      kind,
    });
  });

  test("the monitor's own words stay as they are", () => {
    expect(startRefusal('cannot listen', attempt)).toMatchObject({ message: 'cannot listen', exitCode: 125 });
  });
});

test.each([
  ['exec: "x": executable file not found in $PATH', 127],
  ['exec: "x": permission denied', 126],
  ['Cwd must be an absolute path', 128],
])('an exec that fails with %j has the status %i', (text, status) => {
  expect(execRefusal(text, { ...attempt, kind: 'exec' })).toMatchObject({
    status,
    message: expect.stringMatching(/^OCI runtime exec failed: exec failed: /),
  });
});

describe('a port that could not be bound', () => {
  const container = { id: 'abc', name: 'web' };

  test('is named with its address', () => {
    expect(portRefusal('tcp 0.0.0.0 80 EADDRINUSE', container).message).toBe(
      'failed to set up container networking: driver failed programming external connectivity on endpoint web (abc): failed to bind host port 0.0.0.0:80/tcp: address already in use',
    );
    expect(portRefusal('udp :: 53 EADDRINUSE', container).message).toContain('[::]:53/udp');
  });

  test('comes with what to do when it needs root', () => {
    const error = portRefusal('tcp 0.0.0.0 80 EACCES', container);
    expect(error).toMatchObject({ kind: 'denied', exitCode: 125 });
    expect(error.hint).toContain('net.ipv4.ip_unprivileged_port_start=80');
  });
});

test('crun’s word that the kernel refused a program is said as runc says it', () => {
  const said = (words: string) =>
    `{"msg":"exec container process ${words}","level":"error","time":"2026-01-01T00:00:00Z"}\n`;
  expect(refusedByKernel(said('`/bin/sh`: Exec format error'))).toBe('exec /bin/sh: exec format error');
  expect(refusedByKernel(said('(missing dynamic library?) `/s`: No such file or directory'))).toBe(
    'exec /s: no such file or directory',
  );
  expect(refusedByKernel('{"msg":"hello"}\n')).toBeUndefined();
  expect(refusedByKernel('sh: nope\n')).toBeUndefined();
});
