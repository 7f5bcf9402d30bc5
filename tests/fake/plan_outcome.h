// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What came of a fixture's world, in lines that a test compares with what it expects:
 *
 *   peer NAME ADDRESS:PORT ASN->ASN HOLD/KEEPALIVE id ROUTER-ID [source ADDRESS] [ttl N] [md5] [gr
 * N] receive PEER [all] [PREFIX FROM-TO ...] route PEER PREFIX [localPref N] [prepend N] [COMMUNITY
 * ...] [LARGE COMMUNITY ...] service NAMESPACE/NAME ADDRESS REASON foreign N problem SEVERITY
 * REASON KIND/NAME [FIELD]
 *
 * Routes are what the peers hold once the plan was applied. localPref and prepend stand there where
 * they go on the wire, the one to iBGP peers, the other to eBGP peers; a route without localPref
 * goes to iBGP peers with the default. Services stand in one line for each address.
 */
#pragma once

#include "base/strbuf.h"
#include "fake/plan_fixture.h"

void fixture_outcome(struct fixture *f, struct strbuf *ret);
