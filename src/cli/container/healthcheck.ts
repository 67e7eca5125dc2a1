import { command } from '#cli/command.ts';
import { checkHealth } from '#container/health.ts';

export default command({
  usage: 'CONTAINER',
  summary: 'Run the health check of a container now',
  details: `
    The check is the container's own: the HEALTHCHECK of its image, or what --health-cmd gave it. Its result counts as
    that of any other check and is kept in the container's State.Health.
    Exits with 0 where the check succeeds. Where it fails the status is 1, and "unhealthy" is printed, or "starting"
    while the container's start period lasts. 125: the container can't be checked.`,
  examples: [{ does: 'Act where a database is not well', line: 'wherry healthcheck run db || wherry restart db' }],
  flags: {},
  run: async ({ store, out }, [name = '']) => {
    const verdict = await checkHealth(store, name);
    if (verdict === 'healthy') return 0;
    out.line(verdict);
    return 1;
  },
});
