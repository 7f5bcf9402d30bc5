// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * BFDProfile (metallb.md 1.5).
 */
#include "api/decode.h"

#define AT_BFD(m)       API_AT(struct api_bfd_profile, m)
#define MIN_INTERVAL_MS 10
#define MAX_INTERVAL_MS 60000

static const struct api_field bfd_spec_fields[] = {
	{.name = "receiveInterval",
	 .type = API_TYPE_INT,
	 .min = MIN_INTERVAL_MS,
	 .max = MAX_INTERVAL_MS,
	 AT_BFD(receive_ms)},
	{.name = "transmitInterval",
	 .type = API_TYPE_INT,
	 .min = MIN_INTERVAL_MS,
	 .max = MAX_INTERVAL_MS,
	 AT_BFD(transmit_ms)},
	{.name = "echoInterval",
	 .type = API_TYPE_INT,
	 .min = MIN_INTERVAL_MS,
	 .max = MAX_INTERVAL_MS,
	 AT_BFD(echo_ms)},
	{.name = "detectMultiplier",
	 .type = API_TYPE_INT,
	 .min = 2,
	 .max = 255,
	 AT_BFD(detect_multiplier)},
	{.name = "minimumTtl", .type = API_TYPE_INT, .min = 1, .max = 254, AT_BFD(minimum_ttl)},
	{.name = "echoMode", .type = API_TYPE_BOOL, AT_BFD(echo_mode)},
	{.name = "passiveMode", .type = API_TYPE_BOOL, AT_BFD(passive_mode)},
};
static const struct api_table bfd_spec = API_TABLE(struct api_bfd_profile, bfd_spec_fields);

static const struct api_field bfd_fields[] = {
	API_OBJECT_ROWS,
	{.name = "spec", .type = API_TYPE_STRUCT, .table = &bfd_spec},
	{.name = "status", .flags = API_FIELD_IGNORED},
};
/* FRR's defaults, which MetalLB's users know. */
static const struct api_bfd_profile bfd_defaults = {
	.receive_ms = 300,
	.transmit_ms = 300,
	.echo_ms = 50,
	.detect_multiplier = 3,
	.minimum_ttl = 254,
};
static const struct api_table bfd_table =
	API_TABLE(struct api_bfd_profile, bfd_fields, .defaults = &bfd_defaults);

static void finish_bfd(struct api_decoder *d, const void *raw, struct api_object *o)
{
	(void)d;
	o->bfd = *(const struct api_bfd_profile *)raw;
}

static const char *const bfd_profile_rules[] = {
	"The defaults are those of FRR.",
	NULL,
};

const struct api_schema api_schema_bfd_profile = {
	.kind = API_BFD_PROFILE,
	.group = "metallb.io",
	.versions = {"v1beta1"},
	.table = &bfd_table,
	.default_ns = "",
	.finish = finish_bfd,
	.rules = bfd_profile_rules,
};
