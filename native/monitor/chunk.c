#define _GNU_SOURCE
#include "monitor/chunk.h"

#include <sys/mman.h>

enum { PAGE = 4096 };

_Alignas(PAGE) char chunk[CHUNK_SIZE];

static size_t most;

void chunk_used(size_t size)
{
	if (size > most)
		most = size;
}

bool chunk_large(void)
{
	return most > PAGE;
}

void chunk_shrink(void)
{
	if (chunk_large())
		(void)madvise(chunk + PAGE, CHUNK_SIZE - PAGE, MADV_DONTNEED);
	most = 0;
}
