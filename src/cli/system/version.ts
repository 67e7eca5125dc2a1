import { command } from '#cli/command.ts';
import { FORMAT_SUMMARY, renderLine } from '#cli/format.ts';
import { text } from '#cli/values.ts';
import { DOCKER_VERSION, ownVersion, versionInfo } from '#engine/system.ts';

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
    There is no daemon: the part that Docker calls the server is the same program. Called as docker it tells the version of
    Docker whose commands and messages these are, which scripts ask for.`,
  examples: [{ does: 'Print the version alone', line: "wherry version --format '{{.Server.Version}}'" }],
  flags: { format: { short: 'f', as: text, summary: FORMAT_SUMMARY } },
  store: false,
  run: async (context, _args, { format = '' }) => {
    const versions = named(context.program, (await versionInfo()) as Versions);
    if (format === '') return context.out.write(versionText(versions));
    if (format === 'json') return context.out.line(JSON.stringify(versions));
    const [{ compileTyped }, { shaped }] = await Promise.all([import('#cli/template.ts'), import('#cli/goshapes.ts')]);
    const render = compileTyped(format, { name: 'version', runPrefix: '' });
    renderLine(context.out, () => render(shaped('system.versionInfo', versions)));
  },
});

/** Called as docker: what scripts compare is Docker's version, and what people read says whose it is. */
function named(program: string, { Client, Server }: Versions): Versions {
  if (program !== 'docker') return { Client, ...(Server === undefined ? {} : { Server }) };
  const docker = { Version: DOCKER_VERSION, GitCommit: `wherry-${ownVersion()}` };
  const client = { ...Client, ...docker };
  if (Server === undefined) return { Client: client };
  const components = Server.Components.map((component) =>
    component.Name === 'Engine'
      ? { ...component, Version: DOCKER_VERSION, Details: { ...component.Details, GitCommit: docker.GitCommit } }
      : component,
  );
  return { Client: client, Server: { ...Server, ...docker, Components: components } };
}

/** What --version prints: one line. */
export function versionLine(program: string): string {
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
    row('Built', dateText(client.BuildTime)),
    row('OS/Arch', `${client.Os}/${client.Arch}`),
    row('Context', client.Context ?? 'default'),
  ];
  if (server !== undefined) {
    lines.push('', server.Platform?.Name ? `Server: ${server.Platform.Name}` : 'Server:');
    lines.push(...server.Components.flatMap(componentLines));
  }
  return `${lines.join('\n')}\n`;
}

/** Docker's way to write it: `Tue Sep 15 11:02:57 2026`. */
function dateText(time = ''): string {
  const [day = '', date = '', month = '', year = '', clock = ''] = new Date(time).toUTCString().split(/,? /);
  return time === '' ? '' : `${day} ${month} ${date.replace(/^0/, ' ')} ${clock} ${year}`;
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
    ...inner(name === 'Engine' ? 'Git commit' : 'GitCommit', details.GitCommit),
    ...inner('Built', dateText(details.BuildTime)),
    ...inner('OS/Arch', platform),
    ...inner('Experimental', details.Experimental),
  ];
}
