import { composeCommand } from '#cli/compose/project.ts';
import { projectName } from '#cli/compose/target.ts';
import { formatTable } from '#cli/table.ts';
import { LABEL } from '#compose/model/labels.ts';
import { projectContainers } from '#compose/view/containers.ts';
import { type ProcessTable, topContainer } from '#container/top.ts';

export default composeCommand({
  usage: '[SERVICES...]',
  summary: 'Display the running processes',
  examples: [{ does: 'Of one service', line: 'wherry compose top web' }],
  flags: {},
  run: async (context, services) => {
    const { store } = context;
    const seen = projectContainers(store, await projectName(context), { services, all: false, oneOff: true });
    const tables: Top[] = [];
    for (const { record } of seen.sort((a, b) => (a.record.name < b.record.name ? -1 : 1))) {
      const labels = record.config.Labels;
      const table = await topContainer(store, record.id, []);
      tables.push({ ...table, service: labels[LABEL.service] ?? record.name, number: labels[LABEL.number] ?? '' });
    }
    const rows = collect(tables);
    if (rows.length > 1) context.out.write(await formatTable(rows, WIDTH, GAP));
  },
});

interface Top extends ProcessTable {
  service: string;
  number: string;
}

/** compose's columns here: at least so wide with what is between them, and so far apart. */
const WIDTH = 4;
const GAP = 2;

/** One table of several: every column that one of them has, the command last, `-` where one lacks it. */
function collect(tables: readonly Top[]): string[][] {
  const titles = new Set(tables.flatMap((table) => table.titles));
  if (titles.delete('CMD')) titles.add('CMD');
  const rows = tables.flatMap((table) =>
    table.rows.map((cells) => {
      const at = new Map(table.titles.map((title, index) => [title, cells[index] ?? '']));
      return [table.service, table.number, ...[...titles].map((title) => at.get(title) ?? '-')];
    }),
  );
  return [['SERVICE', '#', ...titles], ...rows];
}
