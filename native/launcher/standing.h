/*
 * Answers that stand. A `compose up -d` that finds everything as the files want it changes nothing, and the next one
 * would say the same in the same words; so would a `compose ps` that is asked again and again by who waits for
 * something. So the command notes what it said and all that it looked at (src/engine/standing.ts), and while none of
 * that has changed the launcher says it again: a stat() each is what Node's start would be waited for.
 *
 * A note is strings, each ended by a zero byte: the stamp, then
 *   =PATH, STAT       what stat() says of a file: "DEVICE INODE SIZE MTIME CTIME", times in nanoseconds
 *   -PATH             a file that is not there
 *   @PID, START       a process, and when it was started (io_start_time())
 *   $NAME=VALUE       a variable of the environment
 *   !NAME             one that is not set
 *   ~FROM, UNTIL      when it may be said, in milliseconds since the epoch
 * and last 1TEXT or 2TEXT, what is written to standard output or error.
 */
#ifndef WHERRY_LAUNCHER_STANDING_H
#define WHERRY_LAUNCHER_STANDING_H

#include <stdbool.h>

/* Which note is asked for: its name, of the words and the directory; its stamp, of what every answer depends on. */
struct standing {
	char name[33];
	char stamp[33];
};

/* Is it a command that may have an answer? Then the note that it would have. */
bool standing_asked(struct standing *standing, int count, char *const words[]);

/* Says it, where there is one below the runtime directory at PATH and it still stands. False: nothing was written. */
bool standing_repeat(const struct standing *standing, const char *path);

#endif
