/** `--call=subrequests.describe`: what can be called, as BuildKit's frontend says it of itself. */

const RESULTS = ['result.json', 'result.txt'].map((name) => ({ name, description: '' }));

const request = (name: string, description: string, opts: object[] | null) => ({
  name: `frontend.${name}`,
  version: '1.0.0',
  type: 'rpc',
  description,
  opts,
  inputs: null,
  metadata: RESULTS,
  refs: null,
});

export const REQUESTS: readonly ReturnType<typeof request>[] = [
  request('outline', 'List all parameters current build target supports', [
    { name: 'target', description: 'Target build stage' },
  ]),
  request('targets', 'List all targets current build supports', []),
  request('subrequests.describe', 'List available subrequest types', null),
];

/** As a table. */
export function describeRequests(): string {
  const names = REQUESTS.map(({ name }) => name.replace(/^frontend\./, ''));
  const width = Math.max(...names.map((name) => name.length)) + 1;
  const lines = REQUESTS.map(({ version, description }, at) => {
    return `${(names[at] ?? '').padEnd(width)}${version.padEnd(8)}${description}\n`;
  });
  return `${'NAME'.padEnd(width)}${'VERSION '}DESCRIPTION\n${lines.join('')}`;
}
