import { expect, test } from 'vitest';
import { type ExecRequest, execContainer } from '#container/exec.ts';
import { addContainer, recordOf, stateOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

const { id } = recordOf();
const request: ExecRequest = {
  cmd: ['true'],
  env: [],
  tty: false,
  detach: false,
  privileged: false,
  streams: { stdin: false, stdout: false, stderr: false },
};
const onReady = async () => undefined;

test.each([
  ['was never started', undefined, `container ${id} is not running`],
  ['has ended', stateOf({ status: 'exited' }), `container ${id} is not running`],
  ['is paused', stateOf({ status: 'paused' }), `Container web is paused, unpause the container before exec`],
  [
    'is between two starts',
    stateOf({ status: 'restarting' }),
    `Container ${id} is restarting, wait until the container is running`,
  ],
])('nothing is executed in a container that %s', async (_what, state, words) => {
  const store = temporaryStore();
  addContainer(store, recordOf(), state);
  await expect(execContainer(store, 'web', request, onReady)).rejects.toThrow(words);
});

test('an unknown user is told of in the words of Docker', async () => {
  const store = temporaryStore();
  addContainer(store, recordOf(), stateOf({ pid: process.pid }));
  await expect(execContainer(store, 'web', { ...request, user: 'nosuch' }, onReady)).rejects.toThrow(
    'unable to find user nosuch: no matching entries in passwd file',
  );
});

test('a command that is not there is refused before the runtime is asked', async () => {
  const store = temporaryStore();
  addContainer(store, recordOf(), stateOf({ pid: process.pid }));
  const wish = { ...request, cmd: ['nosuch'], env: ['PATH=/nonexistent'] };
  expect(await execContainer(store, 'web', wish, onReady)).toEqual({
    kind: 'refused',
    status: 127,
    message:
      'OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH',
  });
});
