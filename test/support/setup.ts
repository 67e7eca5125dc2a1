import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where this run's wherry is installed: bin/wherry below it. */
    prefix: string;
  }
}

const checkout = fileURLToPath(new URL('../..', import.meta.url));

let prefix: string | undefined;

/**
 * Before the end-to-end tests: builds, and installs into a place of this run's own with install.sh, as any user would:
 * the checkout may be where the tests' ordinary user can't read.
 */
export function setup(project: TestProject): void {
  prefix = mkdtempSync(join(tmpdir(), 'wherry-e2e-'));
  chmodSync(prefix, 0o755);
  execFileSync('sh', [join(checkout, 'install.sh'), '--prefix', prefix, '--docker', '--no-packages'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  project.provide('prefix', prefix);
}

export function teardown(): void {
  if (prefix !== undefined) rmSync(prefix, { recursive: true, force: true });
}
