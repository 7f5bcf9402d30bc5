// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Building a NOTIFICATION to be: the code, its subcode, and as much of the data as there is room.
 */
#include "bgp/bgp_error.h"

#include "base/mem.h"

struct bgp_error bgp_error_make(uint8_t code, uint8_t subcode)
{
	return (struct bgp_error){.code = code, .subcode = subcode};
}

struct bgp_error bgp_error_with(uint8_t code, uint8_t subcode, const void *data, size_t len)
{
	struct bgp_error e = bgp_error_make(code, subcode);

	e.data_len = (uint16_t)(len < sizeof(e.data) ? len : sizeof(e.data));
	if (e.data_len > 0)
		memcpy(e.data, data, e.data_len);
	return e;
}
