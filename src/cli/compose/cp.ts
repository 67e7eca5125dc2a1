import { WherryError } from '#base/error.ts';
import type { Context } from '#cli/command.ts';
import { composeCommand, isDryRun } from '#cli/compose/project.ts';
import { projectName, shown } from '#cli/compose/target.ts';
import { boolean, integer } from '#cli/values.ts';
import { projectContainers, specifiedContainer } from '#compose/view/containers.ts';
import { splitCopyArgument } from '#container/copy-paths.ts';
import type { Seen } from '#container/view.ts';

export default composeCommand({
  usage: 'SERVICE:SRC_PATH DEST_PATH|-',
  otherUsage: 'compose cp [OPTIONS] SRC_PATH|- SERVICE:DEST_PATH',
  summary: 'Copy files/folders between a service container and the local filesystem',
  details:
    'What goes in goes into every container of the service, what comes out comes from the newest one; --index names one.',
  examples: [{ does: 'New pages for all replicas', line: 'wherry compose cp site/. web:/usr/share/nginx/html' }],
  flags: {
    all: { as: boolean, summary: 'Include containers created by the run command' },
    archive: { short: 'a', as: boolean, summary: 'Archive mode (copy all uid/gid information)' },
    'follow-link': { short: 'L', as: boolean, summary: 'Always follow symbol link in SRC_PATH' },
    index: { as: integer, default: '0', summary: 'Index of the container if service has multiple replicas' },
  },
  run: async (context, [from = '', to = ''], values) => {
    if (from === '') throw new WherryError('invalid', 'source can not be empty');
    if (to === '') throw new WherryError('invalid', 'destination can not be empty');
    const [source, target] = [splitCopyArgument(from), splitCopyArgument(to)];
    if (source.container !== '' && target.container !== '') {
      throw new WherryError('invalid', 'copying between services is not supported');
    }
    const service = source.container || target.container;
    if (service === '') throw new WherryError('invalid', 'unknown copy direction');
    const isOut = source.container !== '';
    const project = await projectName(context);
    const containers = chosen(context, { ...values, project, service, isOut });
    await shown(context, { title: 'Copying', values }, async (report) => {
      // One after the other: a copy has mounts of its own in this process while it lasts.
      for (const { record } of containers) {
        const { id, name } = record;
        const text = isOut
          ? `copy ${name}:${source.path} to ${target.path}`
          : `copy ${source.path} to ${name}:${target.path}`;
        report({ id: name, text, state: 'Copying', status: 'working' });
        if (!isDryRun(context, values)) {
          if (isOut) await copyFrom(context, { id, path: source.path, to: target.path, ...values });
          else await copyTo(context, { id, path: target.path, from: source.path, ...values });
        }
        report({ id: name, text, state: 'Copied', status: 'done' });
      }
    });
  },
});

interface Choice {
  project: string;
  service: string;
  isOut: boolean;
  index: number;
  all: boolean;
}

/** Throws kind `invalid` in compose's words where there is none. */
function chosen({ store }: Context, { project, service, isOut, index, all }: Choice): Seen[] {
  if (index > 0) return [specifiedContainer(store, project, { service, index, all: true, oneOff: false })];
  const found = projectContainers(store, project, { services: [service], all: true, oneOff: all });
  if (found.length === 0) {
    throw new WherryError('invalid', `no container found for service ${JSON.stringify(service)}`);
  }
  return isOut ? found.slice(0, 1) : found;
}

async function copyFrom(
  { store, out }: Context,
  { id, path, to, followLink }: { id: string; path: string; to: string; followLink: boolean },
): Promise<void> {
  const { copyOut } = await import('#engine/copy.ts');
  const target = to === '-' ? (piece: Uint8Array) => out.write(piece) : to;
  await copyOut(store, { container: id, path, to: target, followLink });
}

async function copyTo(
  { store }: Context,
  wish: { id: string; path: string; from: string; followLink: boolean; archive: boolean },
): Promise<void> {
  const { id, path, from, followLink, archive } = wish;
  const { copyIn } = await import('#engine/copy.ts');
  await copyIn(store, { container: id, path, from: from === '-' ? process.stdin : from, followLink, archive });
}
