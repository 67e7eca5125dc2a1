/** How a container is asked to end: the flags that stop and restart share. */
import { WherryError } from '#base/error.ts';
import { type Context, given } from '#cli/command.ts';
import { integer, text } from '#cli/values.ts';
import type { StopOptions } from '#container/lifecycle.ts';

export const stopFlags = {
  signal: { short: 's', as: text, summary: 'Signal to send to the container' },
  timeout: { short: 't', as: integer, summary: 'Seconds to wait before killing the container' },
  time: {
    as: integer,
    summary: 'Seconds to wait before killing the container',
    deprecated: 'use --timeout instead',
  },
} as const;

interface StopValues {
  signal: string | undefined;
  timeout: number | undefined;
  time: number | undefined;
}

/** The flags as the engine takes them; `--time` is the old name of `--timeout`. */
export function stopOptions(context: Context, { signal, timeout, time }: StopValues): StopOptions {
  if (timeout !== undefined && time !== undefined) {
    throw new WherryError('invalid', 'conflicting options: cannot specify both --timeout and --time');
  }
  return given({ signal, timeout: timeout ?? time, abort: context.abort });
}
