import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

const installer = join(import.meta.dirname, '../../install.sh');
let prefix: string;

beforeAll(() => {
  prefix = mkdtempSync(join(tmpdir(), 'wherry-install-'));
});
afterAll(() => rmSync(prefix, { recursive: true, force: true }));

const install = (...args: string[]) =>
  spawnSync('sh', [installer, '--no-packages', '--prefix', prefix, ...args], { encoding: 'utf8' });

test('installing twice is as good as once, and says what the machine still lacks', () => {
  expect(install()).toMatchObject({ status: 0, stdout: expect.stringContaining('Done: ') });
  expect(install()).toMatchObject({ status: 0 });
  expect(execFileSync(join(prefix, 'bin/wherry'), ['--version'], { encoding: 'utf8' })).toMatch(/^\S+ version \d/);
  expect(existsSync(join(prefix, 'bin/docker'))).toBe(false);
  expect(existsSync(join(prefix, 'share/man/man1/wherry-run.1'))).toBe(true);
});

test('--docker makes a docker command, and never over another program', () => {
  writeFileSync(join(prefix, 'bin/docker'), 'another');
  expect(install('--docker')).toMatchObject({ status: 1, stderr: expect.stringContaining('is another program') });
  rmSync(join(prefix, 'bin/docker'));
  expect(install('--docker')).toMatchObject({ status: 0 });
  expect(execFileSync(join(prefix, 'bin/docker'), ['--version'], { encoding: 'utf8' })).toMatch(/^Docker version \d/i);
  expect(execFileSync(join(prefix, 'bin/docker-compose'), ['-v'], { encoding: 'utf8' })).toMatch(
    /^Docker Compose version/,
  );
});

test('--uninstall takes everything away but what is not ours', () => {
  const others = ['bin/other', 'share/bash-completion/completions/docker-compose'];
  for (const path of others) writeFileSync(join(prefix, path), 'kept');
  expect(install('--uninstall')).toMatchObject({ status: 0 });
  for (const path of ['bin/wherry', 'bin/docker', 'bin/docker-compose', 'lib/wherry'])
    expect(existsSync(join(prefix, path))).toBe(false);
  for (const path of others) expect(lstatSync(join(prefix, path)).isFile()).toBe(true);
});

test('an unknown option is refused with the usage', () => {
  expect(install('--nonsense')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/Usage: [\s\S]*unknown option: --nonsense/),
  });
});

test('the installation that the tests run stands apart from the checkout', () => {
  expect(existsSync(join(inject('prefix'), 'lib/wherry/src'))).toBe(false);
});
