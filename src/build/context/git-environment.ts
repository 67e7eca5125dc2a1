/** What git is told by the environment: whose configuration and keys it uses, and that it works on nothing but its checkout. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What leads git to one repository, its index or its objects, as `git rev-parse --local-env-vars` lists it, and the quarantine
 * of a push (git-receive-pack(1)). Hooks and aliases have it of the user's repository, which would be fetched into instead.
 */
const LOCAL = new Set([
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_CONFIG',
  'GIT_OBJECT_DIRECTORY',
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_GRAFT_FILE',
  'GIT_INDEX_FILE',
  'GIT_NO_REPLACE_OBJECTS',
  'GIT_REPLACE_REF_BASE',
  'GIT_PREFIX',
  'GIT_INTERNAL_SUPER_PREFIX',
  'GIT_SHALLOW_FILE',
  'GIT_COMMON_DIR',
  'GIT_QUARANTINE_PATH',
]);

export interface GitUse {
  remote: string;
  /** Of HTTP's Authorization, for the remote's host. */
  authorization?: string | undefined;
  /** Nothing of the user's but the agent at this socket. */
  alone?: { agent?: string | undefined } | undefined;
}

/** The environment of git for a remote. caller: the user's own, whose settings hold unless git is `alone`. */
export function gitEnvironment(caller: NodeJS.ProcessEnv, { remote, authorization, alone }: GitUse): NodeJS.ProcessEnv {
  const { HOME: home = '/', ...env } = without(caller, (name) =>
    alone === undefined ? LOCAL.has(name) : name.startsWith('GIT_'),
  );
  const own = alone === undefined ? ofUser(home, env) : ofNobody(home, alone.agent);
  return { ...env, GIT_TERMINAL_PROMPT: '0', ...own, ...authorized(remote, authorization, env) };
}

const without = (env: NodeJS.ProcessEnv, isUnwanted: (name: string) => boolean): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !isUnwanted(name)));

function ofUser(home: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // ssh asks the system where the home of its user is, and in our user namespace that is root.
  const mine = (name: string) => join(home, '.ssh', name);
  const files = ['config'].filter((name) => existsSync(mine(name))).flatMap((name) => ['-F', mine(name)]);
  const keys = ['id_ed25519', 'id_ecdsa', 'id_rsa'].filter((name) => existsSync(mine(name)));
  const ssh = [
    'ssh',
    ...files,
    ...['-o', 'BatchMode=yes', '-o', `UserKnownHostsFile=${mine('known_hosts')}`],
    ...keys.flatMap((name) => ['-i', mine(name)]),
  ];
  return { HOME: home, GIT_SSH_COMMAND: env.GIT_SSH_COMMAND ?? ssh.map(quoted).join(' ') };
}

/** As BuildKit, which knows no host: one with another key than the user knows is refused all the same. */
function ofNobody(home: string, agent: string | undefined): NodeJS.ProcessEnv {
  const hosts = `UserKnownHostsFile=/dev/null ${join(home, '.ssh', 'known_hosts')}`;
  const options = ['BatchMode=yes', 'IdentityFile=none', 'LogLevel=ERROR', 'StrictHostKeyChecking=accept-new', hosts];
  const ssh = ['ssh', '-F', '/dev/null', ...options.flatMap((option) => ['-o', option])];
  return {
    HOME: '/nonexistent',
    XDG_CONFIG_HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ASKPASS: '/bin/false',
    GIT_SSH_COMMAND: ssh.map(quoted).join(' '),
    SSH_AUTH_SOCK: agent,
  };
}

/** By the environment, as arguments can be read by everybody; behind what is there (git-config(1), GIT_CONFIG_COUNT). */
function authorized(remote: string, authorization: string | undefined, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (authorization === undefined || !/^https?:/i.test(remote)) return {};
  // What is no number stays none, and git says so.
  const index = Number(env.GIT_CONFIG_COUNT ?? 0);
  return {
    GIT_CONFIG_COUNT: `${index + 1}`,
    [`GIT_CONFIG_KEY_${index}`]: `http.${new URL(remote).origin}/.extraHeader`,
    [`GIT_CONFIG_VALUE_${index}`]: `Authorization: ${authorization}`,
  };
}

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
