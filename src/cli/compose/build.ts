import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { needBuilder } from '#build/builders.ts';
import { shortAttests } from '#build/options.ts';
import type { Context } from '#cli/command.ts';
import { buildServices } from '#cli/compose/build-services.ts';
import { operate } from '#cli/compose/operation.ts';
import { composeCommand, openProject } from '#cli/compose/project.ts';
import { modeOf } from '#cli/compose/settings.ts';
import { boolean, bytes, listOf, text } from '#cli/values.ts';
import { inBuildOrder } from '#compose/apply/build.ts';
import { checkPlatforms } from '#compose/model/platforms.ts';
import type { Build, Project, Service } from '#compose/model/project.ts';
import { withNamedEnabled, withSelected } from '#compose/model/select.ts';
import { bakeFile } from '#compose/view/bake.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Build or rebuild services',
  details: `
    Builds run in this command, several services at once, those first that others name in additional_contexts. --no-rm,
    --force-rm, --compress and --parallel of old do nothing: there are no intermediate containers, and no daemon that a
    context is sent to.`,
  examples: [
    { does: 'From the beginning, with the newest base images', line: 'wherry compose build --no-cache --pull web' },
    { does: 'What could be better in the Dockerfiles', line: 'wherry compose build --check' },
  ],
  flags: {
    'build-arg': { as: listOf('stringArray'), summary: 'Set build-time variables for services' },
    builder: { as: text, summary: 'Set builder to use' },
    check: { as: boolean, summary: 'Check build configuration' },
    compress: { as: boolean, hidden: true, summary: 'Compress the build context using gzip. DEPRECATED' },
    'force-rm': { as: boolean, hidden: true, summary: 'Always remove intermediate containers. DEPRECATED' },
    memory: {
      short: 'm',
      as: bytes,
      summary: 'Set memory limit for the build container. Not supported by BuildKit.',
    },
    'no-cache': { as: boolean, summary: 'Do not use cache when building the image' },
    'no-rm': {
      as: boolean,
      hidden: true,
      summary: 'Do not remove intermediate containers after a successful build. DEPRECATED',
    },
    parallel: { as: boolean, hidden: true, summary: 'Build images in parallel. DEPRECATED' },
    print: { as: boolean, summary: 'Print equivalent bake file' },
    progress: { as: text, hidden: true, summary: 'Set type of ui output (auto, tty, plain, json, quiet)' },
    provenance: { as: text, summary: 'Add a provenance attestation' },
    pull: { as: boolean, summary: 'Always attempt to pull a newer version of the image' },
    push: { as: boolean, summary: 'Push service images' },
    quiet: { short: 'q', as: boolean, summary: 'Suppress the build output' },
    sbom: { as: text, summary: 'Add a SBOM attestation' },
    ssh: {
      as: text,
      summary:
        "Set SSH authentications used when building service images. (use 'default' for using your default SSH Agent)",
    },
    'with-dependencies': { as: boolean, summary: 'Also build dependencies (transitively)' },
  },
  run: async (context, names, values) => {
    const mode = modeOf(context, values.progress);
    if (context.given.has('progress')) {
      context.err.line(
        `--progress is a global compose flag, better use \`${context.program} compose --progress xx build ...`,
      );
    }
    needBuilder(context.store, values.builder);
    const opened = await openProject(context, [], { resolveEnvironment: false });
    checkPlatforms(opened);
    const { project, services } = chosen(withBuildFlags(context, opened, values), names, values.withDependencies);
    if (services.length === 0) return;
    if (values.print) {
      const file = bakeFile(project, inBuildOrder(project, services), values);
      return context.out.line(JSON.stringify(file, null, 2));
    }
    const { check, memory, push, quiet, progress } = values;
    await operate(context, { values, title: 'Building', quiet, progress }, (scope) =>
      buildServices(context, project, services, {
        scope,
        quiet,
        push,
        check,
        progress: mode === 'json' ? 'rawjson' : mode,
        isEverywhere: true,
        attests: shortAttests(values),
        ...given({ memory }),
      }),
    );
  },
});

/** The services with something to build, and those that they need for it. Throws kind `invalid`: `no such service: x`. */
function chosen(opened: Project, names: readonly string[], withDependencies: boolean) {
  const project = withNamedEnabled(opened, names);
  const selected = withSelected(project, names, withDependencies ? 'include' : 'ignore');
  return { project, services: Object.values(selected.services).filter(({ build }) => build !== undefined) };
}

interface BuildFlags {
  buildArg: readonly string[];
  noCache: boolean;
  pull: boolean;
  ssh: string | undefined;
}

/** What the flags say over each build section. */
function withBuildFlags(context: Context, project: Project, { buildArg, noCache, pull, ssh }: BuildFlags): Project {
  const args = Object.fromEntries(
    buildArg.map((entry): [string, string | null] => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, project.environment[entry] ?? null] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
  const keys = sshKeys(context, ssh);
  const changed = (build: Build): Build => ({
    ...build,
    args: { ...build.args, ...args },
    ssh: [...(build.ssh ?? []), ...keys],
    no_cache: noCache || (build.no_cache ?? false),
    pull: pull || (build.pull ?? false),
  });
  const services = Object.values(project.services).map((service): [string, Service] => [
    service.name,
    service.build === undefined ? service : { ...service, build: changed(service.build) },
  ]);
  return { ...project, services: Object.fromEntries(services) };
}

function sshKeys({ given: flags }: Context, ssh: string | undefined): string[] {
  if (!flags.has('ssh')) return [];
  const key = ssh || 'default';
  if (key === 'default' || key.includes('=')) return [key];
  throw new WherryError('invalid', `invalid ssh key ${JSON.stringify(key)}`);
}
