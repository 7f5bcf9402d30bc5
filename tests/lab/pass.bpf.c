// SPDX-License-Identifier: GPL-2.0-only
/*
 * An XDP program that passes everything. The lab needs it twice: as somebody else's program that
 * owns a hook before ours comes, and on the far end of a node's cable, since veth tells that end
 * about frames that XDP sent back (our answers to a ping) only if a program is attached there.
 */
__attribute__((section("xdp"), used)) int pass(void *ctx)
{
	(void)ctx;
	return 2; /* XDP_PASS */
}

__attribute__((section("license"), used)) char _license[] = "GPL";
