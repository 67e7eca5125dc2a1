/* JSON as Go's Docker writes and reads it. */
#ifndef WHERRY_MONITOR_JSON_H
#define WHERRY_MONITOR_JSON_H

#include <stdbool.h>
#include <stddef.h>

enum { JSON_WORST = 6 }; /* bytes that one byte may become */

/*
 * Writes SIZE bytes as the inside of a JSON string, and returns where it ends. TO must have room for JSON_WORST times
 * SIZE, and 16 bytes more. Byte for byte what Docker writes: control characters, quotes, backslash, <, > and & escaped,
 * U+2028 and U+2029 too, each byte that isn't part of valid UTF-8 replaced by \ufffd.
 */
char *json_escape(char *to, const char *from, size_t size);

/* The value of a string member of one flat object; false when it isn't there. What is too long for TO is cut. */
bool json_member(const char *object, const char *name, char *to, size_t size);

#endif
