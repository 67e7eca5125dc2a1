/**
 * What a build step may ask a user's ssh agent for: the keys that it has, and signatures. Anything else, as to remove them, is
 * refused, as by BuildKit. Source: draft-ietf-sshm-ssh-agent.
 */
import type { Duplex } from 'node:stream';

/** SSH_AGENTC_REQUEST_IDENTITIES, SSH_AGENTC_SIGN_REQUEST. */
const ALLOWED = new Set([11, 13]);
/** SSH_AGENT_FAILURE. */
const FAILURE = Buffer.from([0, 0, 0, 1, 5]);

/** As OpenSSH's own. */
const LONGEST = 256 * 1024;

/** Passes on what is allowed, one message after the other, until either side ends or fails, also unasked: that ends both. */
export async function serveAgent(inside: Duplex, agent: Duplex): Promise<void> {
  const end = () => {
    inside.destroy();
    agent.destroy();
  };
  // Until there is something to ask, nobody reads from the agent: that there is none any more would be nobody's error.
  for (const side of [inside, agent]) side.on('error', end).on('close', end);
  await passOn(inside, agent).then(end, end);
}

async function passOn(inside: Duplex, agent: Duplex): Promise<void> {
  const answers = messages(agent);
  for await (const message of messages(inside)) {
    if (!ALLOWED.has(message[4] ?? 0)) {
      inside.write(FAILURE);
      continue;
    }
    agent.write(message);
    const { value, done } = await answers.next();
    if (done) return;
    inside.write(value);
  }
}

/** Each with its length before it; the stream ends with one that is too long. */
async function* messages(stream: Duplex): AsyncGenerator<Buffer, void, void> {
  let held: Buffer = Buffer.alloc(0);
  for await (const piece of stream as AsyncIterable<Buffer>) {
    held = Buffer.concat([held, piece]);
    while (held.length >= 4) {
      const end = 4 + held.readUInt32BE(0);
      if (end > LONGEST) return;
      if (held.length < end) break;
      yield held.subarray(0, end);
      held = held.subarray(end);
    }
  }
}
