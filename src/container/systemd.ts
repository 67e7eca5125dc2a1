/** --systemd: a container whose first process is systemd finds what systemd wants (systemd.io, CONTAINER_INTERFACE). */
import { basename } from 'node:path';
import type { ContainerRecord } from '#container/record.ts';

const INITS = new Set(['/sbin/init', '/usr/sbin/init', '/usr/local/sbin/init']);

/** `always`, or `true` and the command is an init. */
export function isForSystemd({ extras, path }: Pick<ContainerRecord, 'extras' | 'path'>): boolean {
  if (extras?.systemd === undefined) return false;
  return extras.systemd === 'always' || INITS.has(path) || basename(path) === 'systemd';
}

/** systemd's own signal for a shutdown, and how it knows that it is in a container. */
export const systemdConfig = (id: string) => ({
  stopSignal: 'SIGRTMIN+3',
  env: ['container=wherry', `container_uuid=${id.slice(0, 32)}`],
});
