/*
 * What people read when something fails: "PROGRAM: sentence" on standard error, then a line "hint: what to do".
 *
 * The die family ends the process with exit status 125, Docker's status for a failure of its own. Children of fork()
 * may use it as well: it never runs atexit() handlers and never flushes what the parent had buffered.
 */
#ifndef WHERRY_BASE_DIE_H
#define WHERRY_BASE_DIE_H

enum { EXIT_OURS = 125 };

/* The name that lines begin with; "wherry" until it is set. The string is kept, not copied. */
void die_as(const char *program);

/* One line on standard error. */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line that says what to do about the one before. */
void hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As warn(), then the end. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As die(), with ": " and the meaning of errno behind. */
_Noreturn void die_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The end with status 125 when everything was said. */
_Noreturn void die_quietly(void);

#endif
