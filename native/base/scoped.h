/*
 * Descriptors, memory and streams that let go at the end of their scope.
 *
 * A scoped variable must be initialised where it is declared. To hand its value on, use scoped_take_fd() or
 * scoped_take_str().
 */
#ifndef WHERRY_BASE_SCOPED_H
#define WHERRY_BASE_SCOPED_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* None of these changes errno: a function may return on an error without saving it. */
static inline void scoped_close(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void scoped_free(void *pointer)
{
	int saved = errno;

	free(*(void **)pointer);
	errno = saved;
}

static inline void scoped_fclose(FILE **file)
{
	int saved = errno;

	if (*file)
		fclose(*file);
	errno = saved;
}

static inline void scoped_closedir(DIR **directory)
{
	int saved = errno;

	if (*directory)
		closedir(*directory);
	errno = saved;
}

/* A descriptor; -1 holds nothing. */
#define scoped_fd __attribute__((cleanup(scoped_close))) int
/* A string from malloc(). */
#define scoped_str __attribute__((cleanup(scoped_free))) char *
/* Any other memory from malloc(): scoped(struct thing) thing = ... */
#define scoped(type) __attribute__((cleanup(scoped_free))) type *
#define scoped_file __attribute__((cleanup(scoped_fclose))) FILE *
#define scoped_dir __attribute__((cleanup(scoped_closedir))) DIR *

/* The value of a scoped descriptor, which no longer lets it go. */
static inline int scoped_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* The value of a scoped string, which no longer lets it go. */
static inline char *scoped_take_str(char **string)
{
	char *taken = *string;

	*string = NULL;
	return taken;
}

#endif
