/* Points in time as text: RFC 3339, UTC, nanoseconds. */
#ifndef WHERRY_MONITOR_MOMENT_H
#define WHERRY_MONITOR_MOMENT_H

#include <stddef.h>
#include <time.h>

enum { MOMENT_SIZE = sizeof("2026-01-01T00:00:00.000000000Z") };

/* No point in time: what Docker shows for a container that has not ended yet. */
#define MOMENT_NEVER "0001-01-01T00:00:00Z"

/* "2026-01-31T23:59:59.012345678Z", all nine digits. */
void moment_text(char text[static MOMENT_SIZE], const struct timespec *when);

/* As Go's RFC3339Nano: without the zeros at the end of the fraction. The length. */
size_t moment_trimmed(char text[static MOMENT_SIZE], const struct timespec *when);

#endif
