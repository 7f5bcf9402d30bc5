// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Paths of pins: whole, or an error; never cut, for a cut one may be another pin's. */
#include "sys/bpf_pins.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void a_path_is_whole_or_an_error(void **state)
{
	char dir[BPF_PINS_PATH + 1] = "/", path[BPF_PINS_PATH], beside[BPF_PINS_PATH];
	unsigned n_whole = 0, n_beside = 0;

	(void)state;
	for (size_t len = 1; len < BPF_PINS_PATH; len++) {
		const size_t want = len + strlen("/maps/rows");
		int error;

		memset(dir, 'a', len);
		dir[0] = '/';
		dir[len] = '\0';
		error = bpf_pins_path(path, dir, "maps", "rows");
		if (want >= BPF_PINS_PATH) {
			assert_int_equal(error, -ENAMETOOLONG);
			continue;
		}
		assert_int_equal(error, 0);
		assert_int_equal(strlen(path), want);
		assert_memory_equal(path, dir, len);
		assert_string_equal(path + len, "/maps/rows");
		n_whole++;
		error = bpf_pins_beside(beside, path);
		if (want + strlen(BPF_PINS_BESIDE) >= BPF_PINS_PATH) {
			assert_int_equal(error, -ENAMETOOLONG);
			continue;
		}
		assert_int_equal(error, 0);
		assert_int_equal(strlen(beside), want + strlen(BPF_PINS_BESIDE));
		n_beside++;
	}
	assert_int_equal(n_whole, BPF_PINS_PATH - 1 - strlen("/maps/rows"));
	assert_int_equal(n_beside, n_whole - strlen(BPF_PINS_BESIDE));
	assert_int_equal(bpf_pins_path(path, "/pin", "maps", NULL), 0);
	assert_string_equal(path, "/pin/maps");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_whole_or_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
