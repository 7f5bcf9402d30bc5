// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a former run has pinned, perhaps of another version: which version its maps are of
 * (bpf/abi.h), and what its programs go on with (bpf/beside.h). These are attached until ours are
 * in their place, which may be a while after ours were loaded, and a map of programs is empty once
 * neither a pin nor a descriptor is left.
 */
#pragma once

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

struct lb_config;

/*
 * What the pinned map `config` says. Of another version's, which may be longer or shorter, only the
 * first word and `boot` are sure to lie where ours do. 0; -ENOENT: none is pinned; another -errno.
 */
int bpf_former_config(const char *pin_dir, struct lb_config *ret) must_check;

/* Maps of that version are adopted as they are. */
bool bpf_former_is_readable(uint32_t abi_version);

/*
 * Before the maps of programs that were just loaded are pinned: puts what those of the former run
 * go on with aside, if they are attached. 0, also when there are none, or -errno.
 */
int bpf_former_keep(const char *pin_dir) must_check;

/* Once none of them is attached any more. */
void bpf_former_sweep(const char *pin_dir);
