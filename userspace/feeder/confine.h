// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The feeder speaks to a server that may be anybody's, with a large library: it gives up for good
 * what it never needs.
 */
#pragma once

#include "base/mem.h"

/*
 * No privileges by a program's file, no other programs, and none of the calls that change the
 * machine: these fail with EPERM. 0, or -errno of what the kernel refused.
 */
int confine(void) must_check;
