// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Calls that are compile errors in this project, each because it has hurt somebody: no bound on the
 * output, hidden static state, or an error that cannot be told from a value. Included by
 * base/mem.h, so practically everywhere. Clock reads outside sys/ are refused by
 * scripts/check-calls.
 */
#pragma once

/* System headers first: poisoning a name before its own declaration would break the header. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* With fortification these two are macros for clang, and a macro cannot be poisoned. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok atoi atol atoll
#pragma GCC poison rand srand random gmtime localtime ctime asctime sleep usleep
