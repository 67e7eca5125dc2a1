#define _GNU_SOURCE
#include "monitor/moment.h"

#include <string.h>

static void digits(char *to, int count, long number)
{
	while (count-- > 0) {
		to[count] = (char)('0' + number % 10);
		number /= 10;
	}
}

/* Up to the seconds. By hand, because gmtime_r() reads the time zone's file and keeps it in memory. Days to a date:
 * Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days; years begin in March there. */
static void whole_seconds(char *text, time_t seconds)
{
	long days = (long)(seconds / 86400) + 719468, rest = (long)(seconds % 86400);
	long era = days / 146097, day_of_era = days % 146097;
	long year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	long day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	long shifted = (5 * day_of_year + 2) / 153;
	long month = shifted < 10 ? shifted + 3 : shifted - 9;

	memcpy(text, "0000-00-00T00:00:00", 19);
	digits(text, 4, year_of_era + era * 400 + (month <= 2));
	digits(text + 5, 2, month);
	digits(text + 8, 2, day_of_year - (153 * shifted + 2) / 5 + 1);
	digits(text + 11, 2, rest / 3600);
	digits(text + 14, 2, rest / 60 % 60);
	digits(text + 17, 2, rest % 60);
}

void moment_text(char text[static MOMENT_SIZE], const struct timespec *when)
{
	whole_seconds(text, when->tv_sec);
	text[19] = '.';
	digits(text + 20, 9, when->tv_nsec);
	memcpy(text + 29, "Z", 2);
}

size_t moment_trimmed(char text[static MOMENT_SIZE], const struct timespec *when)
{
	static struct timespec last = {.tv_nsec = -1};
	static char last_text[MOMENT_SIZE];
	static size_t length;

	/* Lines come many at once. */
	if (when->tv_sec != last.tv_sec || when->tv_nsec != last.tv_nsec) {
		last = *when;
		moment_text(last_text, when);
		length = 29;
		while (last_text[length - 1] == '0')
			length--;
		if (last_text[length - 1] == '.')
			length--;
		memcpy(last_text + length, "Z", 2);
		length++;
	}
	memcpy(text, last_text, MOMENT_SIZE);
	return length;
}
