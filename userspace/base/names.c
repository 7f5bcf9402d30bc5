// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The one object that knows of which tree it is made, so that another commit compiles no more than
 * this.
 */
#include "base/names.h"

#ifndef LODESTONE_COMMIT
#define LODESTONE_COMMIT "unknown"
#endif
#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

const char *lodestone_build(void)
{
	return LODESTONE_VERSION " (" LODESTONE_COMMIT ", " COMPILER ")";
}
