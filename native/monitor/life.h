/*
 * The life of a container (or of one process added to one): started by the runtime, watched, recorded, restarted by
 * its policy, and cleaned up after.
 *
 *   waiting -> starting -> running -> ending -> over
 *                 ^                      |
 *                 +------ pausing <------+
 */
#ifndef WHERRY_MONITOR_LIFE_H
#define WHERRY_MONITOR_LIFE_H

#include <stdbool.h>

#include "monitor/config.h"

/* Begins: at once, or when a client is there, where CONFIG says so. */
void life_begin(const struct config *config);

/* Children have ended. */
void life_reap(void);

/* The system or the user wants this monitor to end: the container is stopped as by `stop`, and isn't restarted. */
void life_terminate(void);

/* To be called in each round: the end goes on when the command's streams have taken the last output. */
void life_go_on(void);

/* Is the process running now? */
bool life_running(void);

#endif
