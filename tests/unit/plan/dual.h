// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * "web" of fixture_announced(), with an address of each family, out of a pool of both, and an
 * endpoint here in each.
 */
#pragma once

#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct dual {
	struct fixture *f;
	struct plan_address items[2];
	struct plan_addresses addresses;
};

static struct ip_addr addr(const char *text)
{
	struct ip_addr ret;

	assert_true(ip_addr_parse(text, &ret));
	return ret;
}

static void dual_begin(struct dual *d)
{
	d->f = fixture_announced();
	for (size_t i = 0; i < 2; i++)
		d->items[i] = (struct plan_address){
			"default", "web", addr(i ? "2001:db8:1::1" : "192.168.100.0"), "pool-a"};
	d->addresses = (struct plan_addresses){.items = d->items, .n = 2};
	d->f->read_back = &d->addresses;
	fixture_object(d->f, "IPAddressPool", "pool-a", "",
		       "spec: {addresses: [192.168.100.0/24, \"2001:db8:1::/64\"]}");
	fixture_object(d->f, "EndpointSlice", "web-6", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv6\nports: [{name: \"\", port: 8080, protocol: TCP}]\n"
		       "endpoints: [{addresses: [\"fd00::5\"], nodeName: node-a}]");
}
