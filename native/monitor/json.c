#define _GNU_SOURCE
#include "monitor/json.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned char bytes16 __attribute__((vector_size(16)));
typedef uint64_t words2 __attribute__((vector_size(16)));

/* Does one of 16 bytes need more than to be copied? */
static bool any_special(bytes16 v)
{
	/* Compared to all at once: each true comparison is a byte of ones. */
	words2 found =
		(words2)((v < 0x20) | (v >= 0x80) | (v == '"') | (v == '\\') | (v == '<') | (v == '>') | (v == '&'));

	return (found[0] | found[1]) != 0;
}

/* What a byte by itself becomes. Those that begin a longer sequence stand here as what they are without the rest. */
static struct {
	char text[7];
	unsigned char size;
} alone[256];

static void fill(unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char *text = alone[c].text;

	alone[c].size = 6;
	if (c >= 0x80) {
		memcpy(text, "\\ufffd", 6);
	} else if (c == '"' || c == '\\' || c == '\n' || c == '\r') {
		text[0] = '\\';
		text[1] = c == '\n' ? 'n' : c == '\r' ? 'r' : (char)c;
		alone[c].size = 2;
	} else if (c < 0x20 || c == '<' || c == '>' || c == '&') {
		memcpy(text, "\\u00", 4);
		text[4] = hex[c >> 4];
		text[5] = hex[c & 15];
	} else {
		text[0] = (char)c;
		alone[c].size = 1;
	}
}

/* Seldom in binary data, if the second byte is looked at as well: one branch that is easy to guess. */
static bool begins_sequence(const unsigned char *from, const unsigned char *end)
{
	unsigned char next = from + 1 < end ? from[1] : 0;

	return ((unsigned char)(*from - 0xc2) <= 0xf4 - 0xc2) & ((next & 0xc0) == 0x80);
}

static bool is_tail(unsigned char c, unsigned char low, unsigned char high)
{
	return c >= low && c <= high;
}

/* How many bytes the valid UTF-8 sequence at FROM has, whose first byte may begin one; 0 when it is none (Unicode 15,
 * table 3-7). */
static size_t sequence(const unsigned char *from, size_t size)
{
	unsigned char c = from[0];
	unsigned char low = 0x80, high = 0xbf;
	size_t length = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (size < length)
		return 0;
	if (c == 0xe0)
		low = 0xa0;
	else if (c == 0xed)
		high = 0x9f;
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f;
	if (!is_tail(from[1], low, high))
		return 0;
	for (size_t i = 2; i < length; i++)
		if (!is_tail(from[i], 0x80, 0xbf))
			return 0;
	return length;
}

static char *escape_sequence(char *to, const unsigned char *from, size_t size, size_t *used)
{
	*used = sequence(from, size);
	if (*used == 0) {
		*used = 1;
		memcpy(to, "\\ufffd", 6);
		return to + 6;
	}
	if (*used == 3 && from[0] == 0xe2 && from[1] == 0x80 && (from[2] == 0xa8 || from[2] == 0xa9)) {
		memcpy(to, from[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
		return to + 6;
	}
	memcpy(to, from, *used);
	return to + *used;
}

char *json_escape(char *to, const char *text, size_t size)
{
	const unsigned char *from = (const unsigned char *)text;
	const unsigned char *end = from + size;

	if (!alone['a'].size)
		for (int c = 0; c < 256; c++)
			fill((unsigned char)c);
	while (from < end) {
		const unsigned char *stop = end - from > 16 ? from + 16 : end;
		bytes16 v;

		if (end - from >= 16) {
			memcpy(&v, from, 16);
			if (!any_special(v)) {
				memcpy(to, &v, 16);
				from += 16;
				to += 16;
				continue;
			}
		}
		/* In binary data nothing can be guessed, so no branch but one: more is copied than may count. */
		while (from < stop) {
			size_t used = 1;

			if (begins_sequence(from, end)) {
				to = escape_sequence(to, from, (size_t)(end - from), &used);
			} else {
				memcpy(to, &alone[*from], 8);
				to += alone[*from].size;
			}
			from += used;
		}
	}
	return to;
}

/* One character of a string, after a backslash; how many characters were used. */
static size_t unescape(const char *from, char *c)
{
	char digits[5] = {0};
	long code;

	switch (*from) {
	case 'n':
	case 'r':
	case 't':
		*c = ' ';
		return 1;
	case 'u':
		memcpy(digits, from + 1, strnlen(from + 1, 4));
		code = strtol(digits, NULL, 16);
		*c = code >= 0x20 && code < 0x7f ? (char)code : '?';
		return 1 + strlen(digits);
	default:
		*c = *from;
		return 1;
	}
}

bool json_member(const char *object, const char *name, char *to, size_t size)
{
	char key[32];
	const char *at;
	size_t used = 0;

	snprintf(key, sizeof(key), "\"%s\"", name);
	at = strstr(object, key);
	if (!at)
		return false;
	at += strlen(key);
	at += strspn(at, " :");
	if (*at++ != '"')
		return false;
	while (*at && *at != '"' && used + 1 < size) {
		if (*at == '\\' && at[1])
			at += 1 + unescape(at + 1, &to[used++]);
		else
			to[used++] = *at++;
	}
	to[used] = '\0';
	return true;
}
