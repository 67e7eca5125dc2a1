import { spawnSync } from 'node:child_process';

/** Before the end-to-end tests: what they drive is built. */
export default function setup(): void {
  const built = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  if (built.status !== 0) throw new Error('npm run build failed');
}
