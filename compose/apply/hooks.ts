/** post_start and pre_stop: commands that run in a container when it has started, or before it stops. */
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import type { Present } from '#compose/apply/identify.ts';
import { environmentOf } from '#compose/apply/request.ts';
import type { Scope } from '#compose/apply/scope.ts';
import type { Hook, Service } from '#compose/model/project.ts';
import { execContainer } from '#container/exec.ts';
import { NO_STREAMS, type Streams } from '#container/streams.ts';

/**
 * One after the other. What they print is heard by who listens, or is seen where streams say so. Throws kind `invalid` in
 * compose's words for a status other than 0.
 */
export async function runHooks(
  scope: Scope,
  container: Present,
  service: Service,
  hooks: readonly Hook[],
  streams: Streams = NO_STREAMS,
): Promise<void> {
  for (const hook of hooks) {
    const status = await runHook(scope, container, service, { hook, streams });
    if (status !== 0) throw new WherryError('invalid', `${service.name} hook exited with status ${status}`);
  }
}

async function runHook(
  { store, hear, warn }: Scope,
  { id, record }: Present,
  { name, tty = false }: Service,
  { hook, streams }: { hook: Hook; streams: Streams },
): Promise<number> {
  const request = {
    cmd: hook.command ?? [],
    env: environmentOf(hook.environment),
    privileged: hook.privileged ?? false,
    ...given({ user: hook.user, workdir: hook.working_dir }),
  };
  const isShown = streams !== NO_STREAMS;
  if (hear !== undefined && !isShown) {
    const { execHeard } = await import('#container/exec-heard.ts');
    return execHeard(store, id, request, (line) => hear(record, line));
  }
  const exec = await execContainer(store, id, { ...request, tty, detach: false, streams }, () => Promise.resolve());
  if (exec.kind === 'started') return exec.exited;
  if (isShown) return exec.status;
  // As docker compose, where nobody listens: one that can't be started keeps nothing from going on.
  warn(`service ${name}: a hook was not run: ${exec.message}`);
  return 0;
}
