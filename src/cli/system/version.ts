import { command } from '#cli/command.ts';
import { FORMAT_SUMMARY, renderLine } from '#cli/format.ts';
import { text } from '#cli/values.ts';
import { versionInfo } from '#engine/system.ts';

/** The version of Docker whose commands, messages and API these are: tools read it from `docker --version`. */
const DOCKER_VERSION = '28.5.2';

interface Part {
  Version: string;
  ApiVersion: string;
  MinAPIVersion?: string;
  GoVersion: string;
  GitCommit: string;
  BuildTime: string;
  Os: string;
  Arch: string;
  Context?: string;
}

interface Component {
  Name: string;
  Version: string;
  Details?: Record<string, string>;
}

interface Versions {
  Client: Part;
  Server?: Part & { Platform?: { Name: string }; Components: Component[] };
}

export default command({
  usage: '',
  summary: 'Show the version information',
  details: `
    There is no daemon: the part that Docker calls the server is the same program.`,
  examples: [{ does: 'Print the version alone', line: "wherry version --format '{{.Server.Version}}'" }],
  flags: { format: { short: 'f', as: text, summary: FORMAT_SUMMARY } },
  store: false,
  run: async (context, _args, { format = '' }) => {
    const versions = (await versionInfo()) as Versions;
    if (format === '') return context.out.write(versionText(versions));
    if (format === 'json') return context.out.line(JSON.stringify(versions));
    const [{ compileTyped }, { shaped }] = await Promise.all([import('#cli/template.ts'), import('#cli/goshapes.ts')]);
    const render = compileTyped(format, { name: 'version', runPrefix: '' });
    renderLine(context.out, () => render(shaped('system.versionInfo', versions)));
  },
});

/** What --version prints: one line. */
export async function versionLine(program: string): Promise<string> {
  const { ownVersion } = await import('#engine/system.ts');
  if (program !== 'docker') return `wherry version ${ownVersion()}`;
  return `Docker version ${DOCKER_VERSION}, build wherry-${ownVersion()}`;
}

function versionText({ Client: client, Server: server }: Versions): string {
  const lines = [
    'Client:',
    row('Version', client.Version),
    row('API version', client.ApiVersion),
    row('Node version', client.GoVersion),
    ...(client.GitCommit === '' ? [] : [row('Git commit', client.GitCommit)]),
    row('Built', client.BuildTime),
    row('OS/Arch', `${client.Os}/${client.Arch}`),
    row('Context', client.Context ?? 'default'),
  ];
  if (server !== undefined) {
    lines.push('', server.Platform?.Name ? `Server: ${server.Platform.Name}` : 'Server:');
    lines.push(...server.Components.flatMap(componentLines));
  }
  return `${lines.join('\n')}\n`;
}

const row = (name: string, value: string) => ` ${`${name}:`.padEnd(18)} ${value}`;

function componentLines({ Name: name, Version: version, Details: details = {} }: Component): string[] {
  const inner = (label: string, value: string | undefined) =>
    value === undefined || value === '' ? [] : [`  ${`${label}:`.padEnd(17)} ${value}`];
  const api = details.ApiVersion && `${details.ApiVersion} (minimum version ${details.MinAPIVersion})`;
  const platform = details.Os && `${details.Os}/${details.Arch}`;
  return [
    ` ${name}:`,
    ...inner('Version', version),
    ...inner('API version', api),
    ...inner('Node version', details.GoVersion),
    ...inner('GitCommit', details.GitCommit),
    ...inner('Built', details.BuildTime),
    ...inner('OS/Arch', platform),
    ...inner('Experimental', details.Experimental),
  ];
}
