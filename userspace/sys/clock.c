// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Clocks. CLOCK_MONOTONIC and not CLOCK_BOOTTIME: after a suspend the peers' hold timers have run
 * out anyway, and ours must not all fire at once before the first packet could be read. A clock
 * that cannot be read is a broken kernel or a seccomp filter gone wrong; there is nothing sensible
 * to do without time, so that aborts.
 */
#include "sys/clock.h"

#include "base/hash.h"
#include "base/mem.h"
#include "sys/files.h"

#include <assert.h>
#include <time.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_MAX  64

static struct timespec read_clock(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		abort();
	return ts;
}

static nsec_t nsec_of(const struct timespec *ts)
{
	return (nsec_t)ts->tv_sec * NSEC_PER_SEC + (nsec_t)ts->tv_nsec;
}

nsec_t clock_thread(void)
{
	struct timespec ts = read_clock(CLOCK_THREAD_CPUTIME_ID);

	return nsec_of(&ts);
}

nsec_t clock_now(void)
{
	struct timespec ts = read_clock(CLOCK_MONOTONIC);
	nsec_t now = nsec_of(&ts);

	assert(now != 0 && now != NSEC_NEVER);
	return now;
}

nsec_t clock_boot(void)
{
	struct timespec ts = read_clock(CLOCK_BOOTTIME);

	return nsec_of(&ts);
}

const char *clock_stamp(char ret[CLOCK_STAMP_BYTES])
{
	struct timespec ts = read_clock(CLOCK_REALTIME);
	char date[CLOCK_STAMP_BYTES];
	struct tm tm;

	if (!gmtime_r(&ts.tv_sec, &tm) || !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm))
		abort();
	(void)snprintf(ret, CLOCK_STAMP_BYTES, "%.19s.%06ldZ", date, ts.tv_nsec / 1000);
	return ret;
}

int64_t clock_wall_ms(void)
{
	struct timespec ts = read_clock(CLOCK_REALTIME);

	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_wall_s(void)
{
	return clock_wall_ms() / 1000;
}

uint64_t clock_boot_id(void)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;

	if (file_read(BOOT_ID_PATH, BOOT_ID_MAX, &text, &len) < 0)
		return 0;
	return hash_bytes(HASH_INIT, text, len);
}
