// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How a kind's watch goes, in the watch and on its way to the agent (kube/kube_frame.h).
 */
#pragma once

enum kube_state {
	KUBE_STARTING = 0, /* nothing is known yet */
	KUBE_WATCHING = 1, /* what is known is current, as far as the server has told it */
	KUBE_FAILING = 2,  /* it is not, for the server cannot be asked: it is asked again */
	KUBE_REFUSED = 3,  /* ... for we lack the right (403) */
	KUBE_ABSENT = 4,   /* there is no such kind: its CRD is not installed; not complete, it is
			      asked about once more */
};
