import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchGit } from '#build/context/git.ts';
import type { GitAddress } from '#build/context/git-address.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-git-'));
const origin = join(folder, 'origin');
const git = (...args: string[]) =>
  execFileSync('git', ['-C', origin, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
    encoding: 'utf8',
    env: { ...process.env, GIT_COMMITTER_DATE: '1700000000 +0000' },
  }).trim();

beforeAll(() => {
  mkdirSync(join(origin, 'web'), { recursive: true });
  execFileSync('git', ['init', '--quiet', '-b', 'main', origin]);
  writeFileSync(join(origin, 'Dockerfile'), 'FROM scratch\n');
  writeFileSync(join(origin, 'web/index.html'), 'one\n');
  symlinkSync('/etc', join(origin, 'out'));
  git('add', '-A');
  git('commit', '-qm', 'one');
  git('tag', '-a', 'v1', '-m', 'v1');
  git('checkout', '-qb', 'dev');
  writeFileSync(join(origin, 'web/index.html'), 'two\n');
  git('commit', '-qam', 'two');
  git('checkout', '-q', 'main');
});
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
function fetched(address: Partial<GitAddress>) {
  count += 1;
  return fetchGit({ remote: `file://${origin}`, ref: '', subdir: '', ...address }, join(folder, `checkout-${count}`));
}

test('without a ref the remote’s own branch is fetched, and .git is left out', async () => {
  const { root, commit } = await fetched({});
  expect(readFileSync(join(root, 'web/index.html'), 'utf8')).toBe('one\n');
  expect(commit).toBe(git('rev-parse', 'main'));
  expect(existsSync(join(root, '.git'))).toBe(false);
});

test.each([
  ['a branch', 'dev'],
  ['its full name', 'refs/heads/dev'],
])('%s', async (_what, ref) => {
  const { root } = await fetched({ ref });
  expect(readFileSync(join(root, 'web/index.html'), 'utf8')).toBe('two\n');
});

test('an annotated tag leads to its commit', async () => {
  expect((await fetched({ ref: 'v1' })).commit).toBe(git('rev-parse', 'main'));
});

test('a commit by its hash', async () => {
  const dev = git('rev-parse', 'dev');
  expect((await fetched({ ref: dev })).commit).toBe(dev);
});

test('a subdirectory becomes the root', async () => {
  const { root } = await fetched({ subdir: 'web' });
  expect(readFileSync(join(root, 'index.html'), 'utf8')).toBe('one\n');
});

test('.git stays where that is asked for, and files can have the commit’s time', async () => {
  const { root } = await fetched({ keepGitDir: true, commitTimes: true });
  expect(existsSync(join(root, '.git/HEAD'))).toBe(true);
  expect(statSync(join(root, 'Dockerfile')).mtimeMs).toBe(1_700_000_000_000);
});

test('a subdirectory that is a link or is not there is refused', async () => {
  await expect(fetched({ subdir: 'out' })).rejects.toThrow('git subpath "/out" contains non-directory "out"');
  await expect(fetched({ subdir: 'none' })).rejects.toThrow('invalid subdir /none: failed to lstat "none"');
});

test('a ref that is not there, another commit than expected and no repository are refused', async () => {
  await expect(fetched({ ref: 'none' })).rejects.toThrow('repository does not contain ref none');
  await expect(fetched({ checksum: 'ffff' })).rejects.toThrow('expected checksum to match ffff, got');
  await expect(fetched({ remote: `file://${folder}/none` })).rejects.toThrow('does not appear to be a git repository');
});

test('a repository that stays knows its tag, and nothing of how it came', async () => {
  const { root } = await fetched({ ref: 'v1', keepGitDir: true });
  const inside = (...args: string[]) => execFileSync('git', ['-C', root, ...args], { encoding: 'utf8' }).trim();
  expect(inside('describe', '--tags')).toBe('v1');
  expect(inside('reflog')).toBe('');
  expect(existsSync(join(root, '.git/FETCH_HEAD'))).toBe(false);
  const whole = await fetched({ keepGitDir: true });
  expect(inside('remote', 'get-url', 'origin')).toBe(`file://${origin}`);
  expect(existsSync(join(whole.root, '.git/refs/heads/main'))).toBe(true);
});

test('a reference is never an option of git', async () => {
  const ref = `--upload-pack=touch ${folder}/ran;`;
  await expect(fetched({ ref })).rejects.toThrow(`repository does not contain ref ${ref}`);
  expect(existsSync(join(folder, 'ran'))).toBe(false);
});

test('run by a hook, it works on no repository but its own', async () => {
  const mine = join(folder, 'mine');
  execFileSync('git', ['clone', '--quiet', '--origin', 'mine', origin, mine]);
  writeFileSync(join(mine, 'web/index.html'), 'not committed\n');
  const status = () => execFileSync('git', ['-C', mine, 'status', '--short', '--branch'], { encoding: 'utf8' });
  const before = status();
  const hook = { GIT_DIR: join(mine, '.git'), GIT_WORK_TREE: mine, GIT_INDEX_FILE: join(mine, '.git/index') };
  Object.assign(process.env, hook);
  const { root } = await fetched({ ref: 'dev' }).finally(() => {
    for (const name of Object.keys(hook)) delete process.env[name];
  });
  expect(readFileSync(join(root, 'web/index.html'), 'utf8')).toBe('two\n');
  expect(readFileSync(join(mine, 'web/index.html'), 'utf8')).toBe('not committed\n');
  expect(status()).toBe(before);
});
