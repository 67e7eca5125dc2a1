/*
 * What happens to the container while no command is there: lines in the store's journal (src/store/events.ts), which
 * `wherry events` reads.
 */
#ifndef WHERRY_MONITOR_EVENT_H
#define WHERRY_MONITOR_EVENT_H

#include "monitor/config.h"

/*
 * Notes that ACTION ("die", "health_status: healthy") happened to the container just now. DETAILS: what this action
 * alone tells, as members of a JSON object ("\"exitCode\":\"0\""), or NULL. All else is in the file that CONFIG names,
 * read anew each time, because the container may have another name by now. Where nothing can be written, nothing is:
 * what happened counts, not what is told of it.
 */
void event_record(const struct config *config, const char *action, const char *details);

#endif
