import { command, given } from '#cli/command.ts';
import { printRows } from '#cli/table.ts';
import { boolean, filter, integer, text } from '#cli/values.ts';

const HEADERS = { Name: 'NAME', Description: 'DESCRIPTION', StarCount: 'STARS', IsOfficial: 'OFFICIAL' };

const AUTOMATED =
  'WARNING: the "is-automated" filter is deprecated, and searching for "is-automated=true" will not yield any results in future.';

export default command({
  usage: 'TERM',
  summary: 'Search Docker Hub for images',
  details: `
    A term that begins with a host (localhost:5000/nginx) is searched for there: by the search of version 1 where that
    registry has it, else among the names of its repositories. Filters: is-official=true|false, stars=NUMBER (at least so many).`,
  examples: [
    { does: 'What Docker vouches for', line: 'wherry search --filter is-official=true nginx' },
    { does: 'A registry of your own', line: 'wherry search localhost:5000/app' },
  ],
  store: false,
  flags: {
    filter: { short: 'f', as: filter, summary: 'Filter output based on conditions provided' },
    format: { as: text, summary: 'Pretty-print search using a Go template' },
    limit: { as: integer, summary: 'Max number of search results' },
    'no-trunc': { as: boolean, summary: "Don't truncate output" },
  },
  run: async (context, [term = ''], { filter: filters, format, limit, noTrunc }) => {
    if (filters.some((pair) => /^\s*is-automated\s*=/i.test(pair))) context.err.line(AUTOMATED);
    const { searchRows } = await import('#image/search.ts');
    const json = /^json$|json \./.test(format ?? '');
    const rows = await searchRows(term, { filters, noTrunc, ...given({ limit, abort: context.abort }) }, { json });
    await printRows(context.out, rows, {
      headers: HEADERS,
      columns: Object.keys(HEADERS),
      format,
      type: 'registry.searchContext',
      runPrefix: 'template parsing error: ',
    });
  },
});
