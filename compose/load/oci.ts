/** Projects in registries, as `docker compose publish` puts them there: compose files and env files as parts of an artifact. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { restated, WherryError } from '#base/error.ts';
import { invalid } from '#compose/model/tree.ts';
import { type ArtifactPart, withArtifact } from '#image/artifact.ts';

const KIND = {
  type: 'application/vnd.docker.compose.project',
  configType: 'application/vnd.docker.compose.config.empty.v1+json',
  called: 'a compose project',
};
const COMPOSE_FILE = 'application/vnd.docker.compose.file+yaml';
const ENV_FILE = 'application/vnd.docker.compose.envfile';

/**
 * Has the directory of a project, by its name in a registry. keep: has it by its digest, and lets it be written where it is
 * not there yet. Throws kind `invalid` for what is no project, in compose's words; else as a pull does.
 */
export async function fetchProject(
  name: string,
  options: { abort?: AbortSignal | undefined },
  keep: (digest: string, write: (at: string) => Promise<void>) => Promise<string>,
): Promise<string> {
  try {
    return await withArtifact(name, KIND, options, ({ digest, parts }) =>
      keep(digest, async (at) => {
        for (const [index, part] of (await parts()).entries()) writePart(at, part, index);
      }),
    );
  } catch (error) {
    options.abort?.throwIfAborted();
    if (!(error instanceof WherryError) || error.kind === 'invalid') throw error;
    const message = `failed to pull OCI resource ${JSON.stringify(name)}: ${error.message}`;
    throw restated(error, { kind: 'invalid', message });
  }
}

/** Files over one another are documents of one file; those that are extended have their own names. */
function writePart(at: string, { mediaType, annotations, bytes }: ArtifactPart, index: number): void {
  const file = annotations['com.docker.compose.file'];
  if (mediaType === COMPOSE_FILE) {
    const isExtended = annotations['com.docker.compose.extends'] !== undefined;
    const path = join(at, isExtended ? checked(file) : 'compose.yaml');
    const separator = index > 0 && file !== undefined ? '\n---\n' : '';
    appendFileSync(path, Buffer.concat([Buffer.from(separator), bytes]), { mode: 0o600 });
  } else if (mediaType === ENV_FILE) {
    const name = annotations['com.docker.compose.envfile'];
    if (name === undefined) throw invalid('missing annotation com.docker.compose.envfile in a layer');
    writeFileSync(join(at, checked(name)), bytes, { mode: 0o600 });
  }
}

/** All files are in the one directory. */
function checked(name = ''): string {
  if (!['', '.', '..'].includes(name) && !/[\\/\0]/.test(name)) return name;
  throw invalid('invalid OCI artifact');
}
