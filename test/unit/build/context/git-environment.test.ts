import { expect, test } from 'vitest';
import { gitEnvironment } from '#build/context/git-environment.ts';

const remote = 'https://host:8443/a.git';
const hook = {
  HOME: '/home/me',
  HTTPS_PROXY: 'http://proxy',
  GIT_DIR: '/mine/.git',
  GIT_WORK_TREE: '/mine',
  GIT_INDEX_FILE: '/mine/.git/index',
  GIT_QUARANTINE_PATH: '/mine/.git/objects/in',
  GIT_SSL_CAINFO: '/ca.pem',
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'url.https://mirror/.insteadOf',
  GIT_CONFIG_VALUE_0: 'https://host/',
  GIT_CONFIG_KEY_1: 'user.name',
  GIT_CONFIG_VALUE_1: 'me',
};

test('the user’s settings hold for what the user has named, and no repository is named by them', () => {
  const { HOME, HTTPS_PROXY, ...env } = gitEnvironment(hook, { remote });
  expect({ HOME, HTTPS_PROXY }).toEqual({ HOME: '/home/me', HTTPS_PROXY: 'http://proxy' });
  expect(Object.keys(env).sort()).toEqual([
    'GIT_CONFIG_COUNT',
    'GIT_CONFIG_KEY_0',
    'GIT_CONFIG_KEY_1',
    'GIT_CONFIG_VALUE_0',
    'GIT_CONFIG_VALUE_1',
    'GIT_SSH_COMMAND',
    'GIT_SSL_CAINFO',
    'GIT_TERMINAL_PROMPT',
  ]);
});

test('a Dockerfile’s repository is fetched with nothing of the user’s but the agent', () => {
  const env = gitEnvironment({ ...hook, SSH_AUTH_SOCK: '/mine.sock' }, { remote, alone: { agent: '/given.sock' } });
  expect(env).toMatchObject({ HOME: '/nonexistent', SSH_AUTH_SOCK: '/given.sock', HTTPS_PROXY: 'http://proxy' });
  expect(Object.keys(env).filter((name) => name.startsWith('GIT_'))).toEqual([
    'GIT_TERMINAL_PROMPT',
    'GIT_CONFIG_NOSYSTEM',
    'GIT_CONFIG_GLOBAL',
    'GIT_ASKPASS',
    'GIT_SSH_COMMAND',
  ]);
  expect(gitEnvironment(hook, { remote, alone: {} }).SSH_AUTH_SOCK).toBeUndefined();
});

test('an authorization stands behind what the user has configured by variables', () => {
  const ours = { key: 'http.https://host:8443/.extraHeader', value: 'Authorization: basic x' };
  expect(gitEnvironment(hook, { remote, authorization: 'basic x' })).toMatchObject({
    GIT_CONFIG_COUNT: '3',
    GIT_CONFIG_KEY_0: 'url.https://mirror/.insteadOf',
    GIT_CONFIG_KEY_2: ours.key,
    GIT_CONFIG_VALUE_2: ours.value,
  });
  expect(gitEnvironment(hook, { remote, authorization: 'basic x', alone: {} })).toMatchObject({
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: ours.key,
    GIT_CONFIG_VALUE_0: ours.value,
  });
  expect(gitEnvironment({}, { remote: 'git://host/a', authorization: 'basic x' })).not.toHaveProperty(
    'GIT_CONFIG_COUNT',
  );
});
