// SPDX-License-Identifier: GPL-2.0-only
/*
 * Somebody else's XDP program: it owns a hook before ours comes (tests/lab/bad_input.bash).
 */
__attribute__((section("xdp"), used)) int foreign(void *ctx)
{
	(void)ctx;
	return 2; /* XDP_PASS */
}

__attribute__((section("license"), used)) char _license[] = "GPL";
