/** Configs and secrets that come from the file or the environment are written into a container before it starts. */
import { WherryError } from '#base/error.ts';
import { filesOf, isCopied } from '#compose/apply/mounts.ts';
import type { Scope } from '#compose/apply/scope.ts';
import type { FileObject, FileReference, Project, Service } from '#compose/model/project.ts';

interface Copy {
  path: string;
  content: string;
  uid: number;
  gid: number;
  mode: number;
}

/**
 * Writes a service's files into its container. Throws kind `invalid` in compose's words where a variable is not set or
 * the container's root may not be written to.
 */
export async function copyFiles(scope: Scope, project: Project, service: Service, id: string): Promise<void> {
  const copies = (['secret', 'config'] as const).flatMap((kind) =>
    filesOf(project, service, kind)
      .filter(isCopied)
      .map(({ reference, object, target }) => ({ kind, reference, object, target })),
  );
  if (copies.length === 0) return;
  const files = copies.flatMap(({ kind, reference, object, target }) => {
    const content = contentOf(project, object, kind);
    if (content === '') return [];
    if (service.read_only) {
      const what = `cannot create ${kind} "${object.name}" in read-only service ${service.name}`;
      throw new WherryError('invalid', `${what}: \`file\` is the sole supported option`);
    }
    return [copyOf(reference, target, content)];
  });
  if (files.length === 0) return;
  const { copyIn } = await import('#engine/copy.ts');
  await copyIn(scope.store, { container: id, path: '/', from: archive(files) });
}

function contentOf(project: Project, { content, environment, name }: FileObject, kind: string): string {
  if (content) return content;
  if (!environment) return '';
  const value = project.environment[environment];
  if (value !== undefined) return value;
  const what = `environment variable "${environment}" required by ${kind} "${name}" is not set`;
  throw new WherryError('invalid', what, { hint: `Set it: export ${environment}=…` });
}

function copyOf({ uid, gid, mode }: FileReference, path: string, content: string): Copy {
  return {
    path,
    content,
    uid: readId(uid),
    gid: readId(gid),
    mode: mode ? Number.parseInt(`${mode}`, 8) : 0o444,
  };
}

function readId(text: string | undefined): number {
  if (!text) return 0;
  if (/^\d+$/.test(text)) return Number(text);
  throw new WherryError('invalid', `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`, {
    hint: 'Give a uid and a gid as numbers',
  });
}

async function* archive(files: readonly Copy[]): AsyncGenerator<Buffer> {
  const { pack } = await import('tar-stream');
  const packed = pack();
  for (const { path, content, uid, gid, mode } of files) {
    packed.entry({ name: path.replace(/^\/+/, ''), uid, gid, mode, mtime: new Date() }, content);
  }
  packed.finalize();
  for await (const piece of packed) yield piece as Buffer;
}
