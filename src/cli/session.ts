/**
 * What run, start -a and attach share: a command that sits in front of a container, with its streams, its terminal,
 * its signals and its exit status.
 */
import type { Context } from '#cli/command.ts';
import type { Streams } from '#container/streams.ts';
import type { Session, StartOptions } from '#engine/start.ts';

export interface Attendance {
  /** The container: an id or a name. */
  container: string;
  /** The streams to take part in: all three for `run -i`, output and error for `run`, what -a says. */
  streams: Streams;
  /** --sig-proxy. */
  signals: boolean;
  /** --detach-keys; default ctrl-p,ctrl-q. Works with a terminal only. */
  detachKeys?: string;
  /**
   * Starts the container with what this module has worked out:
   * `(options) => startContainer(context.store, id, options)`. Absent: the container runs already (attach).
   */
  start?: (options: StartOptions) => Promise<Session | undefined>;
}

/** How it ended for the command in front. */
export interface Attended {
  /** The container's exit status; 0 when the user left. */
  status: number;
  /** The user left by the detach keys; the container goes on. */
  detached: boolean;
}

/**
 * Stays in front of a container until it ends or the user leaves by the detach keys. Byte-exact in both directions,
 * the terminal is raw meanwhile and as before afterwards. It must not be called after `context.abort` was read where
 * signals are forwarded.
 *
 * Throws kind `invalid` for bad detach keys and for a terminal wanted on something that is none (`the input device is
 * not a TTY`), both before anything is started; and what kept the container from starting.
 *
 * `run`: return (await attend(context, {…})).status; a detached run is 0 and silent. attach and exec write Docker's
 * `read escape sequence` and exit with 1.
 */
export async function attend(context: Context, who: Attendance): Promise<Attended> {
  throw new Error(`${context.name} ${who.container}`);
}
