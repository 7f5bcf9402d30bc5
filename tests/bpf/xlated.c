// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Addresses that the program sees are those of this process for its stack, the packet and maps that
 * can be mapped; else they name a map and an offset into its values. Of the kernel's own structs
 * nothing is known but that struct xdp_buff begins with `data` and `data_end`; whatever else is
 * read from it leads to memory that points at itself.
 */
#include "bpf/xlated.h"
#include "bpf/rig.h"
#include "bpf/rig_private.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAPS_MAX   64
#define STEPS_MAX  10000
#define MAP_BASE   0x7a00000000000000ull
#define MAP_SHIFT  40
#define SELF_WORDS 512
#define VALUE_MAX  512

struct map {
	uint32_t id;
	int fd;
	struct bpf_map_info info;
	uint8_t *at;              /* NULL: it cannot be mapped */
	uint8_t value[VALUE_MAX]; /* of an array per CPU, this CPU's */
};

struct xlated {
	struct bpf_insn *insns;
	unsigned n;
	struct map maps[MAPS_MAX];
	unsigned n_maps;
	uint64_t self[SELF_WORDS];
	uint64_t reg[11];
	uint8_t stack[512 * 16] __attribute__((aligned(8)));
	struct xlated_run run;
};

/* --- maps ------------------------------------------------------------------------------------- */

static struct map *map_of_id(struct xlated *x, uint32_t id)
{
	struct map *m = &x->maps[x->n_maps];
	__u32 len = sizeof(m->info);

	for (unsigned i = 0; i < x->n_maps; i++)
		if (x->maps[i].id == id)
			return &x->maps[i];
	rig_must(x->n_maps == MAPS_MAX ? -1 : 0, "one map more");
	x->n_maps++;
	*m = (struct map){.id = id, .fd = bpf_map_get_fd_by_id(id)};
	rig_must(m->fd, "map by id");
	rig_must(bpf_obj_get_info_by_fd(m->fd, &m->info, &len), "map info");
	if (m->info.map_flags & BPF_F_MMAPABLE)
		m->at = mmap(NULL, (size_t)m->info.value_size * m->info.max_entries, PROT_READ,
			     MAP_SHARED, m->fd, 0);
	rig_must(m->at == MAP_FAILED ? -1 : 0, "map the map");
	return m;
}

static uint64_t address_of(const struct xlated *x, const struct map *m)
{
	return MAP_BASE + ((uint64_t)(m - x->maps) << MAP_SHIFT);
}

static struct map *map_at(struct xlated *x, uint64_t address)
{
	uint64_t i = (address - MAP_BASE) >> MAP_SHIFT;

	return address >= MAP_BASE && i < x->n_maps ? &x->maps[i] : NULL;
}

/* The memory behind an address, of values that are read or written; NULL: it is no such. */
static uint8_t *memory(struct xlated *x, uint64_t address)
{
	struct map *m = map_at(x, address);
	uint64_t offset = address & ((1ull << MAP_SHIFT) - 1);

	if (!m)
		return (uint8_t *)(uintptr_t)address;
	return m->at ? m->at + offset : NULL;
}

/* What lies in an array of maps, or of values per CPU, is a pointer to one. */
static uint64_t pointer_in(struct xlated *x, struct map *m, uint64_t address)
{
	__u32 key = (__u32)((address & ((1ull << MAP_SHIFT) - 1)) / 8), id;

	if (m->info.type == BPF_MAP_TYPE_PERCPU_ARRAY)
		return (uintptr_t)m->value;
	if (strcmp(m->info.name, "flows") == 0)
		x->run.looked_for_a_flow = true;
	if (bpf_map_lookup_elem(m->fd, &key, &id) != 0)
		return 0;
	return address_of(x, map_of_id(x, id));
}

/* --- instructions ----------------------------------------------------------------------------- */

static uint64_t load(struct xlated *x, uint64_t address, uint8_t size)
{
	struct map *m = map_at(x, address);
	uint64_t value = 0;

	if (m && !m->at)
		return pointer_in(x, m, address);
	if (address >> 63) /* the kernel's: jiffies */
		return 0;
	memcpy(&value, memory(x, address), size);
	return value;
}

/* Maps stay as they are; what is counted is only seen. */
static void store(struct xlated *x, uint64_t address, uint64_t value, uint8_t size)
{
	if (map_at(x, address))
		return;
	for (unsigned i = 0; i < x->n_maps; i++)
		if (address - (uintptr_t)x->maps[i].value < VALUE_MAX)
			x->run.wrote_counter = true;
	memcpy(memory(x, address), &value, size);
}

static uint8_t bytes_of(uint8_t code)
{
	switch (BPF_SIZE(code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

static uint64_t swapped(uint64_t v, const struct bpf_insn *in)
{
	if (BPF_SRC(in->code) == BPF_TO_LE)
		return in->imm == 16 ? (uint16_t)v : in->imm == 32 ? (uint32_t)v : v;
	return in->imm == 16   ? __builtin_bswap16((uint16_t)v)
	       : in->imm == 32 ? __builtin_bswap32((uint32_t)v)
			       : __builtin_bswap64(v);
}

/* False: not understood. */
static bool compute(uint8_t op, bool wide, uint64_t a, uint64_t b, uint64_t *ret)
{
	unsigned shift = (unsigned)b & (wide ? 63 : 31);

	switch (op) {
	case BPF_ADD:
		*ret = a + b;
		break;
	case BPF_SUB:
		*ret = a - b;
		break;
	case BPF_MUL:
		*ret = a * b;
		break;
	case BPF_OR:
		*ret = a | b;
		break;
	case BPF_AND:
		*ret = a & b;
		break;
	case BPF_XOR:
		*ret = a ^ b;
		break;
	case BPF_LSH:
		*ret = a << shift;
		break;
	case BPF_RSH:
		*ret = (wide ? a : (uint32_t)a) >> shift;
		break;
	case BPF_ARSH:
		*ret = wide ? (uint64_t)((int64_t)a >> shift) : (uint64_t)((int32_t)a >> shift);
		break;
	case BPF_NEG:
		*ret = -a;
		break;
	case BPF_MOV:
		*ret = b;
		break;
	default:
		return false;
	}
	return true;
}

/* The offset of an array's values within the kernel's struct is not ours. */
static bool is_address_of_map(struct xlated *x, const struct bpf_insn *in)
{
	const struct map *m = map_at(x, x->reg[in->dst_reg]);

	return m && x->reg[in->dst_reg] == address_of(x, m) &&
	       in->code == (BPF_ALU64 | BPF_ADD | BPF_K);
}

static bool alu(struct xlated *x, const struct bpf_insn *in)
{
	bool wide = BPF_CLASS(in->code) == BPF_ALU64;
	uint64_t *dst = &x->reg[in->dst_reg];
	uint64_t b = BPF_SRC(in->code) == BPF_X ? x->reg[in->src_reg] : (uint64_t)(int64_t)in->imm;

	if (BPF_OP(in->code) == BPF_END) {
		*dst = swapped(*dst, in);
		return true;
	}
	if (is_address_of_map(x, in))
		return true;
	if (!compute(BPF_OP(in->code), wide, *dst, b, dst))
		return false;
	if (!wide)
		*dst = (uint32_t)*dst;
	return true;
}

static bool is_taken(const struct xlated *x, const struct bpf_insn *in)
{
	bool wide = BPF_CLASS(in->code) == BPF_JMP;
	uint64_t a = x->reg[in->dst_reg];
	uint64_t b = BPF_SRC(in->code) == BPF_X ? x->reg[in->src_reg] : (uint64_t)(int64_t)in->imm;
	int64_t sa = wide ? (int64_t)a : (int32_t)a, sb = wide ? (int64_t)b : (int32_t)b;

	a = wide ? a : (uint32_t)a;
	b = wide ? b : (uint32_t)b;
	switch (BPF_OP(in->code)) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSET:
		return a & b;
	case BPF_JSGT:
		return sa > sb;
	case BPF_JSGE:
		return sa >= sb;
	case BPF_JSLT:
		return sa < sb;
	case BPF_JSLE:
		return sa <= sb;
	default:
		return true; /* BPF_JA */
	}
}

/* An address or a number of 64 bits; its second half is in the next instruction. */
static void load_wide(struct xlated *x, const struct bpf_insn *in)
{
	uint64_t *dst = &x->reg[in->dst_reg];

	if (in->src_reg == BPF_PSEUDO_MAP_FD)
		*dst = address_of(x, map_of_id(x, (uint32_t)in->imm));
	else if (in->src_reg == BPF_PSEUDO_MAP_VALUE)
		*dst = address_of(x, map_of_id(x, (uint32_t)in->imm)) + (uint32_t)in[1].imm;
	else
		*dst = (uint64_t)(uint32_t)in[1].imm << 32 | (uint32_t)in->imm;
}

/* Of what is atomic: compare and swap, and addition, which is all that is met. */
static bool swap(struct xlated *x, const struct bpf_insn *in, uint64_t at)
{
	uint64_t seen;

	if (bytes_of(in->code) != sizeof(seen) || (in->imm != BPF_CMPXCHG && in->imm != BPF_ADD))
		return false;
	seen = load(x, at, sizeof(seen));
	if (in->imm == BPF_ADD) {
		store(x, at, seen + x->reg[in->src_reg], sizeof(seen));
		return true;
	}
	if (seen == x->reg[0])
		store(x, at, x->reg[in->src_reg], sizeof(seen));
	x->reg[0] = seen;
	return true;
}

/* --- running ---------------------------------------------------------------------------------- */

/* One instruction; how far on the next is, or 0: it ends, as x->run says. */
static int step(struct xlated *x, const struct bpf_insn *in)
{
	uint64_t at_dst = x->reg[in->dst_reg] + (uint64_t)(int64_t)in->off;
	uint64_t at_src = x->reg[in->src_reg] + (uint64_t)(int64_t)in->off;

	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		return alu(x, in);
	case BPF_LDX:
		if (BPF_MODE(in->code) != BPF_MEM)
			return 0;
		x->reg[in->dst_reg] = load(x, at_src, bytes_of(in->code));
		return 1;
	case BPF_LD:
		load_wide(x, in);
		return 2;
	case BPF_ST:
		if (BPF_MODE(in->code) == BPF_MEM)
			store(x, at_dst, (uint64_t)(int64_t)in->imm, bytes_of(in->code));
		return 1; /* or a barrier against speculation */
	case BPF_STX:
		if (BPF_MODE(in->code) == BPF_ATOMIC)
			return swap(x, in, at_dst);
		if (BPF_MODE(in->code) != BPF_MEM)
			return 0;
		store(x, at_dst, x->reg[in->src_reg], bytes_of(in->code));
		return 1;
	default:
		break;
	}
	if (BPF_OP(in->code) == BPF_EXIT || BPF_OP(in->code) == BPF_CALL) {
		x->run.end = BPF_OP(in->code) == BPF_EXIT ? XLATED_EXIT : XLATED_CALL;
		x->run.verdict = (uint32_t)x->reg[0];
		return 0;
	}
	if (in->code == (BPF_JMP32 | BPF_JA))
		return 1 + in->imm;
	return is_taken(x, in) ? 1 + in->off : 1;
}

struct xlated_run xlated_run(struct xlated *x, struct frame *f)
{
	int by = 1;

	x->run = (struct xlated_run){.end = XLATED_UNKNOWN};
	memset(x->reg, 0, sizeof(x->reg));
	for (unsigned i = 0; i < SELF_WORDS; i++)
		x->self[i] = (uintptr_t)x->self;
	x->self[0] = (uintptr_t)f->bytes;
	x->self[1] = (uintptr_t)f->bytes + f->len;
	x->reg[1] = (uintptr_t)x->self;
	x->reg[10] = (uintptr_t)x->stack + sizeof(x->stack);
	while (by != 0 && x->run.n_executed < STEPS_MAX) {
		rig_must(x->run.at < x->n ? 0 : -1, "stay within the program");
		by = step(x, &x->insns[x->run.at]);
		x->run.n_executed++;
		x->run.at += (unsigned)by;
	}
	return x->run;
}

struct xlated *xlated_new(int prog_fd)
{
	struct bpf_prog_info info = {.id = 0};
	struct xlated *x = calloc(1, sizeof(*x));
	__u32 len = sizeof(info);

	if (!x)
		abort();
	rig_must(bpf_obj_get_info_by_fd(prog_fd, &info, &len), "size of the program");
	x->n = info.xlated_prog_len / sizeof(*x->insns);
	x->insns = calloc(x->n, sizeof(*x->insns));
	if (!x->insns)
		abort();
	info = (struct bpf_prog_info){.xlated_prog_len = x->n * (__u32)sizeof(*x->insns),
				      .xlated_prog_insns = (uintptr_t)x->insns};
	rig_must(bpf_obj_get_info_by_fd(prog_fd, &info, &len), "the program");
	rig_must(info.xlated_prog_insns ? 0 : -1, "the program as it is (kptr_restrict)");
	return x;
}

struct xlated *xlated_free(struct xlated *x)
{
	for (unsigned i = 0; i < x->n_maps; i++) {
		struct map *m = &x->maps[i];

		if (m->at)
			munmap(m->at, (size_t)m->info.value_size * m->info.max_entries);
		close(m->fd);
	}
	free(x->insns);
	free(x);
	return NULL;
}
