// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Green is well, yellow wants to be looked at, red is what somebody was woken for. */
#pragma once

enum tone { TONE_NONE, TONE_GOOD, TONE_WARN, TONE_BAD };
