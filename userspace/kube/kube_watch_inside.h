// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Between the two halves of kube_watch: reading answers (kube_answer.c), and deciding what is asked
 * next (kube_watch.c). Nobody else includes this.
 */
#pragma once

#include "kube/kube_watch.h"

/* --- answers ---------------------------------------------------------------------------------- */

/* Bytes of an answer that is one (200). */
void kube_answer_body(struct kube_watch *w, const char *data, size_t len, nsec_t now);
/* The body of a list is through. */
void kube_answer_list_end(struct kube_watch *w, nsec_t now);
/* That of any other status is. */
void kube_answer_refusal(struct kube_watch *w, nsec_t now);

/* --- decisions: what comes next; each gives up the request under way, if it is not over ------- */

/* The server answers as it should. */
void kube_watch_goes_well(struct kube_watch *w);
/* How it goes, while it goes on as it does. */
void kube_watch_say(struct kube_watch *w, enum kube_state state, const char *fmt, ...)
	printf_like(3, 4);
void kube_watch_again(struct kube_watch *w, enum kube_step step, nsec_t at);
/* How a picture is asked for. */
enum kube_step kube_watch_picture(const struct kube_watch *w);
/* This server cannot tell a picture by a watch. */
void kube_watch_by_lists(struct kube_watch *w, nsec_t now);
/* The same again, later and later. */
void kube_watch_fail_as(struct kube_watch *w, enum kube_state state, nsec_t now, const char *fmt,
			...) printf_like(4, 5);
#define kube_watch_fail(w, now, ...) kube_watch_fail_as(w, KUBE_FAILING, now, __VA_ARGS__)
/* The same again after the longest time, for it will not change by itself. */
void kube_watch_rest(struct kube_watch *w, enum kube_state state, nsec_t now, const char *fmt, ...)
	printf_like(4, 5);
/* The version that was asked from is of no use: another picture. */
void kube_watch_relist(struct kube_watch *w, enum kube_from from, nsec_t now);
