/* Not ways around but loads: many acts in a row, to see that none slips through and none is lost in silence. */
#include "attack.h"
#include <time.h>

#define OPENS 100000
#define DENIALS 20000
#define MEASURED 20000

/* 0 where a single one of many tries succeeded. */
static int hammer(void)
{
	while (access("stop", F_OK)) {
		if (open("secret/key", O_RDONLY) >= 0)
			return 0;
	}
	return DENIED;
}

static int flood_opens(void)
{
	for (int i = 0; i < OPENS; i++) {
		int fd = open("open/free", O_RDONLY);

		if (fd < 0)
			return outcome(-1);
		close(fd);
		if (i == OPENS / 2 && open("secret/key", O_RDONLY) >= 0)
			return BROKEN;
	}
	return 0;
}

static int flood_denials(void)
{
	char name[64];

	for (int i = 0; i < DENIALS; i++) {
		snprintf(name, sizeof(name), "ro/new%d", i);
		if (!mkdir(name, 0700))
			return 0;
	}
	return DENIED;
}

static long since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000000000L + now.tv_nsec - start->tv_nsec;
}

static int measure_opens(void)
{
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < MEASURED; i++)
		close(open("open/mnt/../free", O_RDONLY));
	fprintf(stderr, "%ld", since(&start) / MEASURED);
	return 0;
}

static int measure_execs(void)
{
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < MEASURED / 50; i++) {
		pid_t child = vfork();

		if (!child) {
			execl("bin/good", "good", (char *)0);
			_exit(1);
		}
		waitpid(child, 0, 0);
	}
	fprintf(stderr, "%ld", since(&start) / (MEASURED / 50));
	return 0;
}

const struct attack loads[] = {
	{ "hammer", 0, hammer }, { "flood_opens", 0, flood_opens }, { "flood_denials", 0, flood_denials }, { "measure_opens", 0, measure_opens },
	{ "measure_execs", 0, measure_execs }, { 0, 0, 0 },
};
