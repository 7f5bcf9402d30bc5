// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Lengths stand at both ends of a block, so that files can be read backwards. */
#include "base/pcapng.h"

#include <assert.h>
#include <string.h>

#define BLOCK_SECTION    0x0a0d0d0au
#define BLOCK_INTERFACE  1u
#define BLOCK_STATISTICS 5u
#define BLOCK_PACKET     6u

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define VERSION_MAJOR    1u
#define LINK_ETHERNET    1u

/* Options; 0 ends them. */
#define OPTION_COMMENT     1u
#define OPTION_FLAGS       2u /* of a packet */
#define OPTION_NAME        2u /* of an interface */
#define OPTION_DESCRIPTION 3u
#define OPTION_PROGRAM     4u /* of the section */
#define OPTION_RECEIVED    4u /* of statistics */
#define OPTION_DROPPED     5u
#define OPTION_RESOLUTION  9u
#define NANOSECONDS        9u /* 10^-9 s */

static void add(struct strbuf *to, const void *data, size_t len)
{
	static const char zeros[4] = {0};

	strbuf_add_len(to, data, len);
	strbuf_add_len(to, zeros, -len & 3);
}

static void add_u32(struct strbuf *to, uint32_t v)
{
	add(to, &v, sizeof(v));
}

/* The high half first, whatever the byte order. */
static void add_time(struct strbuf *to, uint64_t at)
{
	add_u32(to, (uint32_t)(at >> 32));
	add_u32(to, (uint32_t)at);
}

static void add_option(struct strbuf *to, uint16_t code, const void *value, size_t len)
{
	const uint16_t head[] = {code, (uint16_t)len};

	add(to, head, sizeof(head));
	add(to, value, len);
}

static void add_text(struct strbuf *to, uint16_t code, const char *text, size_t most)
{
	if (text && text[0])
		add_option(to, code, text, strnlen(text, most));
}

/* Returns where it begins. */
static size_t begin(struct strbuf *to, uint32_t type)
{
	const size_t ret = to->len;

	add_u32(to, type);
	add_u32(to, 0);
	return ret;
}

static void end(struct strbuf *to, size_t block)
{
	const uint32_t len = (uint32_t)(to->len - block + sizeof(len));

	assert(to->truncated || len % 4 == 0);
	add_u32(to, len);
	if (!to->truncated)
		memcpy(to->data + block + sizeof(uint32_t), &len, sizeof(len));
}

void pcapng_begin(struct strbuf *to, const char *program, const char *comment)
{
	const uint16_t version[] = {VERSION_MAJOR, 0};
	const uint64_t unknown_length = UINT64_MAX;
	const size_t block = begin(to, BLOCK_SECTION);

	add_u32(to, BYTE_ORDER_MAGIC);
	add(to, version, sizeof(version));
	add(to, &unknown_length, sizeof(unknown_length));
	add_text(to, OPTION_PROGRAM, program, PCAPNG_NAME);
	add_text(to, OPTION_COMMENT, comment, PCAPNG_COMMENT);
	add_u32(to, 0);
	end(to, block);
}

void pcapng_interface(struct strbuf *to, const char *name, const char *description,
		      uint32_t snaplen)
{
	const uint16_t link[] = {LINK_ETHERNET, 0};
	const uint8_t resolution = NANOSECONDS;
	const size_t block = begin(to, BLOCK_INTERFACE);

	add(to, link, sizeof(link));
	add_u32(to, snaplen);
	add_text(to, OPTION_NAME, name, PCAPNG_NAME);
	add_text(to, OPTION_DESCRIPTION, description, PCAPNG_NAME);
	add_option(to, OPTION_RESOLUTION, &resolution, sizeof(resolution));
	add_u32(to, 0);
	end(to, block);
}

void pcapng_packet(struct strbuf *to, const struct pcapng_packet *p)
{
	const uint32_t flags = p->direction;
	const size_t block = begin(to, BLOCK_PACKET);

	assert(p->kept <= p->len);
	add_u32(to, p->interface);
	add_time(to, p->at);
	add_u32(to, p->kept);
	add_u32(to, p->len);
	add(to, p->bytes, p->kept);
	add_text(to, OPTION_COMMENT, p->comment, PCAPNG_COMMENT);
	if (flags)
		add_option(to, OPTION_FLAGS, &flags, sizeof(flags));
	add_u32(to, 0);
	end(to, block);
}

void pcapng_statistics(struct strbuf *to, uint32_t interface, uint64_t at, uint64_t received,
		       uint64_t dropped)
{
	const size_t block = begin(to, BLOCK_STATISTICS);

	add_u32(to, interface);
	add_time(to, at);
	add_option(to, OPTION_RECEIVED, &received, sizeof(received));
	add_option(to, OPTION_DROPPED, &dropped, sizeof(dropped));
	add_u32(to, 0);
	end(to, block);
}
