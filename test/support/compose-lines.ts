/** Lines of compose in one directory, run here and by docker compose, and what of them has to be the same. */
import { plain, wordsOf } from '#test/support/compare.ts';
import { dockerShell, quoted } from '#test/support/peers.ts';
import { type Finished, testUser } from '#test/support/user.ts';
import { wherryPath } from '#test/support/wherry.ts';

/** A line by wherry compose. */
export const byWherry = (directory: string, line: string): Promise<Finished> =>
  testUser().run(wherryPath(), ['compose', ...wordsOf(line)], { cwd: directory });

/** The same line by docker compose. */
export const byDocker = (directory: string, line: string): Finished =>
  dockerShell(`cd ${directory} && docker-compose ${wordsOf(line).map(quoted).join(' ')} </dev/null`);

/** In no order: what happens at once is told as it comes. */
export const told = ({ status, stdout, stderr }: Finished) => ({
  status,
  stdout: lines(stdout),
  stderr: lines(stderr),
});

const lines = (text: string) =>
  plain(text)
    .replace(/-run-[0-9a-f]{12}/g, '-run-ID12')
    .replace(/time="?[^ ]+"? /g, '')
    .split('\n')
    .filter((line) => line !== '')
    .sort();
