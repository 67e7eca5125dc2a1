/** post_start and pre_stop: commands that run in a container when it has started, or before it stops. */
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import type { Present } from '#compose/apply/identify.ts';
import { environmentOf } from '#compose/apply/request.ts';
import type { Scope } from '#compose/apply/scope.ts';
import type { Hook, Service } from '#compose/model/project.ts';
import { execContainer } from '#container/exec.ts';
import { NO_STREAMS, type Streams } from '#container/streams.ts';

/** One after the other, what they print is seen where streams say so. Throws kind `unavailable` in compose's words for a status other than 0. */
export async function runHooks(
  { store }: Scope,
  { id }: Present,
  { name, tty }: Service,
  hooks: readonly Hook[],
  streams: Streams = NO_STREAMS,
): Promise<void> {
  for (const hook of hooks) {
    const request = {
      cmd: hook.command ?? [],
      env: environmentOf(hook.environment),
      tty: tty ?? false,
      detach: false,
      privileged: hook.privileged ?? false,
      streams,
      ...given({ user: hook.user, workdir: hook.working_dir }),
    };
    const exec = await execContainer(store, id, request, () => Promise.resolve());
    const status = exec.kind === 'started' ? await exec.exited : exec.status;
    if (status !== 0) throw new WherryError('invalid', `${name} hook exited with status ${status}`);
  }
}
