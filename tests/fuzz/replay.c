// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * In the place of libFuzzer's main(), where nothing is searched for: gives each file that is named
 * to the fuzzer once, with the compiler and the objects of the unit tests.
 *
 *   fuzz_X FILE...
 *
 * Says which before it runs it: the last that it named is what a sanitizer, an assertion or a
 * minute ended.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX  (1u << 20)
#define PATIENCE_S 60

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of memory of its own, so that the sanitizer sees a read beyond its end. */
static void run(const char *path)
{
	static uint8_t text[INPUT_MAX];
	FILE *file = fopen(path, "re");
	uint8_t *data;
	size_t size;

	printf("input: %s\n", path);
	(void)fflush(stdout);
	assert(file);
	size = fread(text, 1, sizeof(text), file);
	assert(feof(file) && !ferror(file));
	(void)fclose(file);
	data = malloc(size);
	assert(data);
	memcpy(data, text, size);
	(void)alarm(PATIENCE_S);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run(argv[i]);
	return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
