import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { windowSize } from '#cli/terminal.ts';

const MODULE = new URL('../../../src/cli/terminal.ts', import.meta.url).href;

/** Runs a script in a process of its own: signals and terminals belong to one. */
function run(script: string, command: string[] = []) {
  const words = [
    ...command,
    process.execPath,
    '--input-type=module',
    '-e',
    `import * as terminal from '${MODULE}';${script}`,
  ];
  return spawn(words[0] ?? '', words.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
}

test('forwardSignals() hands over what is for the container, and gives the signals back', async () => {
  const child = run(`
    const stop = terminal.forwardSignals((name) => {
      console.log(name);
      if (name === 'SIGTERM') { stop(); console.log('stopped'); }
    });
    console.log('ready');
    setInterval(() => {}, 1000);
  `);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value;
  expect(await next()).toBe('ready');
  for (const signal of ['SIGINT', 'SIGUSR1', 'SIGTSTP', 'SIGQUIT'] as const) {
    child.kill(signal);
    expect(await next()).toBe(signal);
  }
  child.kill('SIGWINCH');
  child.kill('SIGTERM');
  expect(await next()).toBe('SIGTERM');
  expect(await next()).toBe('stopped');
  child.kill('SIGTERM');
  expect((await once(child, 'close'))[1]).toBe('SIGTERM');
});

test('windowSize() is nothing where there is no terminal', () => {
  if (!process.stdout.isTTY && !process.stderr.isTTY) expect(windowSize()).toEqual([0, 0]);
});

test('rawMode() is undone at the end of the process, also by an exception', async () => {
  const script = `
    import { execFileSync } from 'node:child_process';
    const flags = () => execFileSync('stty', ['-a'], { stdio: ['inherit', 'pipe', 'inherit'], encoding: 'utf8' });
    const shown = (when) => console.log(when, / -icanon/.test(flags()) ? 'raw' : 'cooked');
    shown('before');
    terminal.rawMode();
    shown('meanwhile');
    process.on('exit', () => shown('after'));
    process.on('uncaughtException', () => process.exit(1));
    throw new Error('x');
  `;
  // script(1) gives the process a terminal.
  const quoted = `import * as terminal from '${MODULE}';${script}`.replaceAll("'", `'\\''`);
  const child = spawn('script', ['-qec', `'${process.execPath}' --input-type=module -e '${quoted}'`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (data) => {
    text += data;
  });
  await once(child, 'close');
  expect(text.split(/\s*\n\s*/).filter(Boolean)).toEqual(['before cooked', 'meanwhile raw', 'after cooked']);
});
