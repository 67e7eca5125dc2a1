/*
 * The one buffer that everything is read into. It is empty again when the call that filled it returns: what can't be
 * passed on at once is copied. It takes memory only while data flows.
 */
#ifndef WHERRY_MONITOR_CHUNK_H
#define WHERRY_MONITOR_CHUNK_H

#include <stdbool.h>
#include <stddef.h>

enum { CHUNK_SIZE = 256 * 1024 };

extern char chunk[CHUNK_SIZE];

/* SIZE bytes of it were filled. */
void chunk_used(size_t size);

/* Does it hold more memory than a quiet monitor should? */
bool chunk_large(void);

/* Gives that back. */
void chunk_shrink(void);

#endif
