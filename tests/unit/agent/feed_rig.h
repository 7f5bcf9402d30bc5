// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* An agent whose Services come from a feeder, which is the test. Peer, pool and the like are in
 * files. */
#pragma once

#include "agent_rig.h"

#include "agent/feed_inside.h"
#include "agent/feed_names.h"
#include "kube/kube_frame.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

enum kind { NODE, SERVICE, SLICE, N_KINDS };
static const char *const kind_names[] = {"Node", "Service", "EndpointSlice"};

#define SERVICE_TEXT(name)                                                                         \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"" name               \
	"\",\"namespace\":\"shop\"},\"spec\":{\"type\":\"LoadBalancer\",\"ports\":[{\"port\":80}]}}"
#define SLICE_TEXT(name)                                                                           \
	"{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{"        \
	"\"name\":\"" name                                                                         \
	"-1\",\"namespace\":\"shop\",\"labels\":{\"kubernetes.io/service-name\":"                  \
	"\"" name "\"}},\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"10.244.0.7\"],"  \
	"\"nodeName\":\"node\"}],\"ports\":[{\"name\":\"\",\"port\":80}]}"

struct bed {
	struct agent_rig *rig;
	char feed[96];
	int fd; /* the feeder's */
};

static struct bed bed;

/* --- the feeder ------------------------------------------------------------------------------- */

RIG_UNUSED static struct kube_text text(const char *t)
{
	return (struct kube_text){.text = t, .len = strlen(t)};
}

RIG_UNUSED static void say(const struct kube_frame *frame)
{
	struct strbuf out;

	strbuf_init(&out, KUBE_FRAME_BYTES);
	kube_frame_encode(&out, frame);
	assert_int_equal(send(bed.fd, out.data, out.len, MSG_NOSIGNAL), out.len);
	strbuf_done(&out);
}

RIG_UNUSED static void say_hello(uint16_t version)
{
	struct kube_frame hello = {
		.type = KUBE_FRAME_HELLO, .version = version, .n_kinds = N_KINDS};

	for (int i = 0; i < N_KINDS; i++)
		hello.kinds[i] = text(kind_names[i]);
	say(&hello);
}

RIG_UNUSED static int dial(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", bed.feed);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

RIG_UNUSED static void connect_feeder(void)
{
	bed.fd = dial();
	say_hello(KUBE_FEED_VERSION);
}

RIG_UNUSED static void put(enum kind kind, const char *name, const char *object)
{
	say(&(struct kube_frame){.type = KUBE_FRAME_PUT,
				 .kind = (uint8_t)kind,
				 .ns = text("shop"),
				 .name = text(name),
				 .text = text(object)});
}

RIG_UNUSED static void gone(enum kind kind, const char *name)
{
	say(&(struct kube_frame){.type = KUBE_FRAME_GONE,
				 .kind = (uint8_t)kind,
				 .ns = text("shop"),
				 .name = text(name)});
}

RIG_UNUSED static void complete(enum kind kind)
{
	say(&(struct kube_frame){.type = KUBE_FRAME_COMPLETE, .kind = (uint8_t)kind});
}

RIG_UNUSED static void complete_all(void)
{
	for (enum kind k = 0; k < N_KINDS; k++)
		complete(k);
}

RIG_UNUSED static void hang_up(void)
{
	close(bed.fd);
	bed.fd = -1;
}

/* --- questions -------------------------------------------------------------------------------- */

RIG_UNUSED static const struct api_object *find(const struct agent_rig *rig, const char *name)
{
	return world_find(rig->agent.world, API_SERVICE, "shop", name);
}

RIG_UNUSED static bool has_web(const struct agent_rig *rig)
{
	return find(rig, "web");
}

RIG_UNUSED static bool has_no_web(const struct agent_rig *rig)
{
	return !find(rig, "web");
}

RIG_UNUSED static bool has_two(const struct agent_rig *rig)
{
	return find(rig, "two");
}

RIG_UNUSED static bool is_complete(const struct agent_rig *rig)
{
	return agent_inputs_are_complete(&rig->agent.inputs);
}

RIG_UNUSED static bool is_lost(const struct agent_rig *rig)
{
	return rig->agent.feed->fd < 0 && rig_problem(rig, "FeederAway");
}

RIG_UNUSED static bool is_not_lost(const struct agent_rig *rig)
{
	return !rig_problem(rig, "FeederAway");
}

RIG_UNUSED static bool has_heard(const struct agent_rig *rig)
{
	return rig->agent.feed->is_greeted && rig->agent.feed->in.len == 0 &&
	       !agent_inputs_due(&rig->agent.inputs, DUE_FEED);
}

static nsec_t wait_until;
RIG_UNUSED static bool time_is_over(const struct agent_rig *rig)
{
	(void)rig;
	return clock_now() >= wait_until;
}

RIG_UNUSED static void run_for(struct agent_rig *rig, nsec_t ns)
{
	wait_until = clock_now() + ns;
	RIG_WAIT(rig, time_is_over);
}

/* --- set-up ----------------------------------------------------------------------------------- */

RIG_UNUSED static int set_up(void **state)
{
	(void)state;
	bed.rig = rig_new();
	(void)snprintf(bed.feed, sizeof(bed.feed), "%s/feed", bed.rig->dir);
	bed.rig->options.feed = bed.feed;
	bed.fd = -1;
	rig_start(bed.rig);
	return 0;
}

RIG_UNUSED static int tear_down(void **state)
{
	(void)state;
	if (bed.fd >= 0)
		close(bed.fd);
	rig_free(bed.rig);
	return 0;
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
