import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { testUser } from './user.ts';

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
  openDevices();
  // What a run that was cut off left behind is nothing that a test should meet.
  if (process.getuid?.() === 0) testUser().remove();
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

/** Some virtual machines keep to root what every distribution opens to users: these two devices. */
function openDevices(): void {
  if (process.getuid?.() !== 0) return;
  for (const device of ['/dev/fuse', '/dev/net/tun']) if (existsSync(device)) chmodSync(device, 0o666);
}
