// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A source that cannot be read, as a problem of the world.
 */
#pragma once

struct watch_file;
struct world;

/* Of a file with the event WATCH_FAILED. */
void source_failure_tell(struct world *world, const struct watch_file *file);
