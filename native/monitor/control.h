/*
 * The line to the command that started this monitor: descriptor 3, lines of text in both directions.
 *
 * It is gone with the command; what is said after that is dropped.
 */
#ifndef WHERRY_MONITOR_CONTROL_H
#define WHERRY_MONITOR_CONTROL_H

#include <stdbool.h>

enum { CONTROL_FD = 3 };

/* What the command did, as the lifecycle wants to know it. */
enum control_event {
	COMMAND_GO,   /* don't wait for a client */
	COMMAND_DONE, /* it has cleaned up */
	COMMAND_STAY, /* it leaves and wants the monitor to go on alone */
	COMMAND_GONE, /* it ended without a word */
};

/* Listens to the command, and tells HEARD; COMMAND_GONE comes at once when there is none. */
void control_open(void (*heard)(enum control_event event));

/* Says one line; a newline is put behind. */
void control_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
