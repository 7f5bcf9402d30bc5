// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A line a VIP: its address and domain. Of another boot nothing is served any more. */
#include "agent/state_served.h"

#include "agent/agent.h"
#include "agent/state_files.h"
#include "base/limits.h"
#include "base/strbuf.h"
#include "sys/bpf_dataplane.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <inttypes.h>

#define EVERY_NS   NSEC_PER_SEC
#define LINE_BYTES 64u
#define HEAD       "boot: \"%" PRIx64 "\"\nvips:\n"

/* --- reading ---------------------------------------------------------------------------------- */

/* "- 192.0.2.1 0" */
static bool read_vip(const char *line, struct lb_vip *ret)
{
	char address[IP_ADDR_TEXT];
	unsigned domain;
	int end = 0;

	*ret = (struct lb_vip){.domain = 0};
	if (sscanf(line, "- %45s %u%n", address, &domain, &end) != 2 || line[end] != '\0' ||
	    domain > UINT16_MAX)
		return false;
	ret->domain = (uint16_t)domain;
	return ip_addr_parse(address, &ret->addr) && !ip_addr_is_none(&ret->addr);
}

/* The lines behind the head; false: one is damaged, or there are too many. */
static bool read_vips(struct state_served *s, char *text)
{
	struct lb_vip *vips = arena_array_of(s->arena, LIMIT_SERVICES, struct lb_vip);
	char *next = text, *line;

	s->vips = vips;
	while ((line = strsep(&next, "\n")) && line[0] != '\0')
		if (s->n == LIMIT_SERVICES || !read_vip(line, &vips[s->n++]))
			return false;
	return true;
}

void state_load_served(struct agent *a)
{
	struct state_served *s = &a->served;
	size_t len;
	_cleanup_(freep) char *text = state_read(a, "served.yaml", &len);
	char head[LINE_BYTES];
	size_t head_len = (size_t)snprintf(head, sizeof(head), HEAD, clock_boot_id());

	*s = (struct state_served){.arena = arena_new()};
	if (!text || strncmp(text, head, head_len) != 0)
		return;
	s->is_known = read_vips(s, text + head_len);
	if (!s->is_known) {
		log_warn("state: damaged, begun anew", "file=served.yaml");
		s->n = 0;
	}
}

/* --- writing ---------------------------------------------------------------------------------- */

static void write_served(struct agent *a)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	size_t n, len;
	const struct lb_vip *vips = bpf_dataplane_served(a->dataplane, scratch, &n);
	struct strbuf out;
	char *text;

	strbuf_init(&out, (n + 1) * LINE_BYTES);
	strbuf_printf(&out, HEAD, clock_boot_id());
	for (size_t i = 0; i < n; i++) {
		char address[IP_ADDR_TEXT];

		strbuf_printf(&out, "- %s %u\n", ip_addr_text(&vips[i].addr, address),
			      vips[i].domain);
	}
	len = out.len;
	text = xstrdup(out.data);
	strbuf_done(&out);
	a->served.hash = 1;
	state_write(a,
		    &(struct state_file){
			    .name = "served.yaml", .mode = STATE_MODE, .hash = &a->served.hash},
		    text, len);
}

nsec_t state_tick_served(struct agent *a, nsec_t now)
{
	struct state_served *s = &a->served;
	uint64_t generation;

	if (!a->dataplane)
		return NSEC_NEVER;
	generation = bpf_dataplane_served_generation(a->dataplane);
	if (generation == s->generation && s->hash != 0)
		return NSEC_NEVER;
	if (now < s->at)
		return s->at;
	s->generation = generation;
	s->at = nsec_add(now, EVERY_NS);
	write_served(a);
	return NSEC_NEVER;
}

void state_done_served(struct agent *a)
{
	arena_free(a->served.arena);
}
