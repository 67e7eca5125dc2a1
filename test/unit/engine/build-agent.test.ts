import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { forwardAgent } from '#engine/build-agent.ts';
import { temporaryDirectory, temporaryStore } from '#test/support/store.ts';

const hasSsh = ['ssh-agent', 'ssh-keygen', 'ssh-add'].every((name) => spawnSync('which', [name]).status === 0);

/** The agents that were started with this variable. */
const agentsOf = (mark: string) =>
  readdirSync('/proc').filter((pid) => {
    try {
      const isAgent = readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'ssh-agent';
      return isAgent && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark);
    } catch {
      return false;
    }
  });

test.skipIf(!hasSsh)(
  `keys are answered for by an agent that may end before we do (${hasSsh ? 'here' : 'skip: no OpenSSH'})`,
  async () => {
    const folder = temporaryDirectory();
    const key = join(folder, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const environment = { ...process.env, WHERRY_TEST_MARK: folder };
    const agent = await forwardAgent(
      temporaryStore(),
      { id: 'default', paths: [key] },
      { id: 'x', environment, owner: {} },
    );
    const asked = connect(agent.path);
    asked.write(Buffer.from([0, 0, 0, 1, 11]));
    const [answer] = (await once(asked, 'data')) as [Buffer];
    // SSH_AGENT_IDENTITIES_ANSWER, of one key.
    expect([...answer.subarray(4, 9)]).toEqual([12, 0, 0, 0, 1]);
    const [pid] = agentsOf(folder);
    process.kill(Number(pid), 'SIGKILL');
    await once(asked, 'close');
    while (agentsOf(folder).length > 0) await new Promise(setImmediate);
    await agent[Symbol.asyncDispose]();
  },
);
