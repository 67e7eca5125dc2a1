import { bytesSize } from '#base/units.ts';
import { type Context, command } from '#cli/command.ts';
import { FORMAT_SUMMARY, renderLine } from '#cli/format.ts';
import { text } from '#cli/values.ts';
import { DOCKER_VERSION, systemInfo } from '#engine/system.ts';

interface Info {
  [name: string]: unknown;
  Driver: string;
  DriverStatus: [string, string][];
  Plugins: { Volume: string[]; Network: string[]; Log: string[] };
  SecurityOptions: string[];
  CDISpecDirs: string[];
  Swarm: { LocalNodeState: string };
  RuncCommit: { ID: string };
  Runtimes: Record<string, unknown>;
  RegistryConfig: { InsecureRegistryCIDRs: string[] };
  MemTotal: number;
  Warnings: string[] | null;
  ClientInfo: { Version: string; Context: string; Debug: boolean };
}

export default command({
  usage: '',
  summary: 'Display system-wide information',
  examples: [{ does: 'See how layers are mounted here', line: "wherry info --format '{{.Driver}}'" }],
  flags: { format: { short: 'f', as: text, summary: FORMAT_SUMMARY } },
  run: async (context, _args, { format = '' }) => {
    const info = named(context, (await systemInfo(context.store)) as Info);
    if (format === '') return print(context, info);
    if (format === 'json') return context.out.line(JSON.stringify(info));
    const [{ compileTyped }, { shaped }] = await Promise.all([import('#cli/template.ts'), import('#cli/goshapes.ts')]);
    const render = compileTyped(format, { runPrefix: '' });
    renderLine(context.out, () => render(shaped('system.dockerInfo', info)));
  },
});

/** Called as docker, it says which Docker's commands and messages these are: scripts ask for the least one they need. */
function named({ program }: Context, info: Info): Info {
  if (program !== 'docker') return info;
  return {
    ...info,
    ServerVersion: DOCKER_VERSION,
    ClientInfo: { ...info.ClientInfo, Version: DOCKER_VERSION },
  };
}

/** Name, value, and what stands indented below it. */
type Row = [name: string, value: unknown, below?: string[]];

function print({ out, err, debug }: Context, info: Info): void {
  const client: Row[] = [
    ['Version', `   ${info.ClientInfo.Version}`],
    ['Context', `   ${info.ClientInfo.Context}`],
    ['Debug Mode', debug],
  ];
  out.write(`Client:\n${lines(client)}\nServer:\n${lines(server(info))}`);
  for (const warning of info.Warnings ?? []) err.line(warning);
}

function server(info: Info): Row[] {
  const { Plugins: plugins } = info;
  return [
    [
      'Containers',
      info.Containers,
      [`Running: ${info.ContainersRunning}`, `Paused: ${info.ContainersPaused}`, `Stopped: ${info.ContainersStopped}`],
    ],
    ['Images', info.Images],
    ['Server Version', info.ServerVersion],
    ['Storage Driver', info.Driver, info.DriverStatus.map(([name, value]) => `${name}: ${value}`)],
    ['Logging Driver', info.LoggingDriver],
    ['Cgroup Driver', info.CgroupDriver],
    ['Cgroup Version', info.CgroupVersion],
    [
      'Plugins',
      '',
      [`Volume: ${plugins.Volume.join(' ')}`, `Network: ${plugins.Network.join(' ')}`, `Log: ${plugins.Log.join(' ')}`],
    ],
    ['CDI spec directories', '', info.CDISpecDirs],
    ['Swarm', info.Swarm.LocalNodeState],
    ['Runtimes', Object.keys(info.Runtimes).join(' ')],
    ['Default Runtime', info.DefaultRuntime],
    ['Init Binary', info.InitBinary],
    [`${info.DefaultRuntime} version`, info.RuncCommit.ID],
    ['Security Options', '', info.SecurityOptions.flatMap(securityLines)],
    ['Kernel Version', info.KernelVersion],
    ['Operating System', info.OperatingSystem],
    ['OSType', info.OSType],
    ['Architecture', info.Architecture],
    ['CPUs', info.NCPU],
    ['Total Memory', bytesSize(info.MemTotal)],
    ['Name', info.Name],
    ['ID', info.ID],
    ['Docker Root Dir', info.DockerRootDir],
    ['Debug Mode', info.Debug],
    ...proxies(info),
    ['Experimental', info.ExperimentalBuild],
    ['Insecure Registries', '', info.RegistryConfig.InsecureRegistryCIDRs],
    ['Live Restore Enabled', info.LiveRestoreEnabled],
  ];
}

/** `name=seccomp,profile=builtin` is `seccomp` with `Profile: builtin` below. */
function securityLines(option: string): string[] {
  const pairs = option.split(',').map((pair) => pair.split('='));
  return pairs.map(([key = '', value = '']) =>
    key === 'name' ? value : ` ${key.charAt(0).toUpperCase()}${key.slice(1)}: ${value}`,
  );
}

function proxies(info: Info): Row[] {
  const rows: Row[] = [
    ['HTTP Proxy', withoutSecret(info.HttpProxy)],
    ['HTTPS Proxy', withoutSecret(info.HttpsProxy)],
    ['No Proxy', info.NoProxy],
  ];
  return rows.filter(([, value]) => value !== '' && value !== undefined);
}

/** A proxy's URL may have a password in it. */
function withoutSecret(url: unknown): string {
  return String(url ?? '').replace(/\/\/[^/]*@/, '//xxxxx:xxxxx@');
}

function lines(rows: readonly Row[]): string {
  const text = rows.map(([name, value, below = []]) =>
    [` ${name}:${value === '' ? '' : ` ${value}`}`, ...below.map((line) => `  ${line}`)].join('\n'),
  );
  return `${text.join('\n')}\n`;
}
