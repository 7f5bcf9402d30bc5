// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a capture of packets is bounded by, for who asks and who answers: it always has an end.
 */
#pragma once

#define CAPTURE_PACKETS     1000u
#define CAPTURE_PACKETS_MAX 100000u
#define CAPTURE_S           60u
#define CAPTURE_S_MAX       3600u
#define CAPTURE_SNAPLEN     256u
#define CAPTURE_SNAPLEN_MIN 64u
#define CAPTURE_SNAPLEN_MAX 1536u
