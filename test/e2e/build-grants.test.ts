/** What a build is given of the user's own, and what a Dockerfile of somebody else's can do with it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildContext } from '#test/support/build-context.ts';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, readyStore, wherry, wherryPath } from '#test/support/wherry.ts';

/** The client's programs. */
const hasSsh = ['ssh-agent', 'ssh-keygen', 'ssh-add'].every((name) => spawnSync('which', [name]).status === 0);
const tools = mkdtempSync(join(tmpdir(), 'wherry-grants-'));
const client = join(tools, 'agent-client');

beforeAll(async () => {
  await readyStore();
  execFileSync('gcc', ['-static', '-O2', '-o', client, join(import.meta.dirname, '../support/agent-client.c')]);
});
afterAll(async () => {
  rmSync(tools, { recursive: true });
  await wherry(['builder', 'prune', '-af']);
});

/** A directory of the user's with a Dockerfile and the client. */
function context(dockerfile: string): string {
  const root = buildContext({ Dockerfile: dockerfile });
  copyFileSync(client, join(root, 'ask'));
  chmodSync(join(root, 'ask'), 0o755);
  return root;
}

const inShell = (lines: readonly string[], root: string) =>
  testUser().run('sh', [
    '-c',
    `set -e; cd ${root}; build="${wherryPath()} build --no-cache --progress plain"; ${lines.join('; ')}`,
  ]);
const AGENT = ["ssh-keygen -q -t ed25519 -N '' -f key", 'eval $(ssh-agent -s) >/dev/null', 'ssh-add -q key'];
const END = 'kill $SSH_AGENT_PID';

test.skipIf(!hasSsh)('a step sees the agent’s keys and can take none of them away', async () => {
  const root = context(
    `FROM ${BUSYBOX}
RUN --mount=type=ssh,uid=5,gid=6,mode=0640 --mount=type=bind,target=/c stat -c "%a %u:%g" $SSH_AUTH_SOCK && /c/ask 11 19 18 11 | tr '\\n' ' '
RUN ls -A /run 2>&1; true
`,
  );
  const { status, stdout, stderr } = await inShell([...AGENT, '$build --ssh default . 2>&1', 'ssh-add -l', END], root);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout).toContain(' 640 5:6\n');
  // Keys, refused twice, keys.
  expect(stdout).toContain(' 12 5 5 12 ');
  expect(stdout).toContain('(ED25519)');
  expect(stdout).not.toContain('buildkit/ssh_agent');
});

test.skipIf(!hasSsh)('a key is given as a file, under a name of its own', async () => {
  const root = context(
    `FROM ${BUSYBOX}\nRUN --mount=type=ssh,id=deploy,required --mount=type=bind,target=/c /c/ask 11 13\n`,
  );
  const make = "ssh-keygen -q -t ed25519 -N '' -f key; chmod 644 key";
  expect(await inShell([make, '$build --ssh deploy=key .'], root)).toMatchObject({ status: 0 });
  const { status, stderr } = await inShell(['$build .'], root);
  expect(status).toBe(1);
  expect(stderr).toContain('unset ssh forward key deploy');
});

test('a Dockerfile fetches by ssh only where the build was given an agent', async () => {
  const root = context(`FROM ${BUSYBOX}\nADD git@127.0.0.1:r.git /r\n`);
  const { stderr } = await inShell(['$build . || true'], root);
  expect(stderr).toContain('unset ssh forward key default');
});

test('a secret without a source is the variable of its name', async () => {
  const root = context(
    `FROM ${BUSYBOX}\nRUN --mount=type=secret,id=TOKEN,env=T --mount=type=secret,id=TOKEN test "$T$(cat /run/secrets/TOKEN)" = abab\n`,
  );
  expect(await inShell(['TOKEN=ab $build --secret id=TOKEN .'], root)).toMatchObject({ status: 0 });
  const { stderr } = await inShell(['$build --secret id=NONE . || true'], root);
  expect(stderr).toContain('failed to stat NONE: stat NONE: no such file or directory');
});
