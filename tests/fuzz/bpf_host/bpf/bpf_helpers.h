/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * In place of libbpf's header of this name where a program is compiled for the host: maps are
 * declared alike, helpers are functions of bpf_host.c.
 */
#pragma once

#include "tests/fuzz/bpf_host/bpf_host.h"

#define __uint(name, val)  int(*name)[val]
#define __type(name, val)  __typeof__(val) *name
#define __array(name, val) __typeof__(val) *name[]

#define SEC(name)
/*
 * What replays is not optimised (mk/fuzz.mk): with a copy of each function wherever it is called,
 * and the sanitizers' checks in each, xdp_lb took nine seconds to compile.
 */
#ifdef __OPTIMIZE__
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#else
#undef __always_inline
#define __always_inline inline
#endif
#define __noinline __attribute__((noinline))
#ifndef NULL
#define NULL ((void *)0)
#endif

#define bpf_map_lookup_elem                               host_lookup
#define bpf_map_lookup_percpu_elem(map, key, cpu)         ((void)(cpu), host_lookup(map, key))
#define bpf_xdp_load_bytes(ctx, off, to, len)             host_load(off, to, len)
#define bpf_xdp_store_bytes(ctx, off, from, len)          host_store(off, from, len)
#define bpf_xdp_get_buff_len(ctx)                         host_len()
#define bpf_xdp_adjust_head(ctx, by)                      host_adjust_head(by, &(ctx)->data, &(ctx)->data_end)
#define bpf_xdp_adjust_tail(ctx, by)                      host_adjust_tail(by, &(ctx)->data, &(ctx)->data_end)
#define bpf_tail_call_static(ctx, map, i)                 host_tail_call(i)
#define bpf_loop                                          host_loop
#define bpf_jiffies64                                     host_jiffies
#define bpf_ktime_get_ns                                  host_ns
#define bpf_skc_lookup_tcp(ctx, tuple, len, netns, flags) host_find_socket(tuple, len, netns)
#define bpf_sk_release(sk)                                ((void)(sk))

/* Timers never fire here, and nobody is woken. */
#define bpf_timer_init(timer, map, clock)       ((void)(timer), 0)
#define bpf_timer_set_callback(timer, cb)       ((void)(timer), (void)(cb), 0)
#define bpf_timer_start(timer, ns, flags)       ((void)(timer), 0)
#define bpf_ringbuf_output(map, at, len, flags) ((void)(at), 0)

/* No frame has tags or metadata beside it, nor room for any. */
#define bpf_xdp_adjust_meta(ctx, by) ((void)(ctx), (void)(by), -1)
#define bpf_skb_vlan_pop(skb)        ((void)(skb), 0)

#define bpf_skb_load_bytes(skb, off, to, len) host_load(off, to, len)
#define bpf_skb_pull_data(skb, len)           host_pull(len, &(skb)->data, &(skb)->data_end)
#define bpf_skb_store_bytes(skb, off, from, len, flags)                                            \
	host_store_pulled(off, from, len, &(skb)->data, &(skb)->data_end)
#define bpf_l3_csum_replace(skb, off, from, to, flags)                                             \
	host_l3_csum_replace(off, from, to, flags, &(skb)->data, &(skb)->data_end)
#define bpf_l4_csum_replace(skb, off, from, to, flags)                                             \
	host_l4_csum_replace(off, from, to, flags, &(skb)->data, &(skb)->data_end)
#define bpf_fib_lookup(skb, way, len, flags)            host_find_route(way)
#define bpf_redirect_map(map, ifindex, flags)           ((void)(map), host_redirect(ifindex))
#define bpf_redirect_neigh(ifindex, params, len, flags) host_redirect(ifindex)
