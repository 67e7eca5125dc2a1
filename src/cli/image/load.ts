import { WherryError } from '#base/error.ts';
import type { Progress } from '#base/progress.ts';
import { command, given } from '#cli/command.ts';
import { showProgress } from '#cli/progress.ts';
import { boolean, text } from '#cli/values.ts';

export default command({
  usage: '',
  summary: 'Load an image from a tar archive or STDIN',
  details: `
    Takes OCI archives and those of docker save, plain or compressed: by gzip or zstd, or by xz or bzip2 where these
    programs are installed. A plain archive in a file is read where it lies; what comes through a pipe is kept first.`,
  examples: [{ does: 'What another machine has saved', line: 'wherry load --input images.tar.gz' }],
  flags: {
    input: { short: 'i', as: text, summary: 'Read from tar archive file, instead of STDIN' },
    platform: {
      as: text,
      summary: 'Load only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    },
    quiet: { short: 'q', as: boolean, summary: 'Suppress the load output' },
  },
  run: async (context, _args, { input, platform, quiet }) => {
    if (!input && process.stdin.isTTY) {
      throw new WherryError('invalid', 'requested load from stdin, but stdin is empty');
    }
    const { loadArchive } = await import('#image/archive.ts');
    const progress = showProgress(context.out);
    const steps = !quiet && context.out.isTerminal;
    // As with Docker, what happens to other images is said in any case.
    const report = (event: Progress) => {
      if (steps || event.kind === 'message') progress.report(event);
    };
    const options = given({ platform, progress: report, abort: context.abort });
    const names = await loadArchive(context.store, input || process.stdin, options).finally(() => progress.end());
    for (const name of names) context.out.line(`Loaded image${name.startsWith('sha256:') ? ' ID' : ''}: ${name}`);
  },
});
