// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The files of the status page, as they lie in userspace/agent/page/. */
#pragma once

#include "sys/page_server.h"

#define PAGE_N_FILES 4
extern const struct page_file page_files[PAGE_N_FILES];
