// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * agent/feed_wishes: an agent fed from an API server asks for addresses only as its allocator, and
 * acts only on those that stand in the Services.
 */
#include "agent_rig.h"

#include "agent/feed.h"
#include "agent/feed_inside.h"
#include "kube/kube_frame.h"

#include <cjson/cJSON.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

enum kind { NODE, NAMESPACE, POOL, SERVICE, N_KINDS };
static const char *const kind_names[] = {"Node", "Namespace", "IPAddressPool", "Service"};

#define SERVICE_TEXT(name, meta, status)                                                           \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"" name               \
	"\",\"namespace\":\"shop\"" meta                                                           \
	"},\"spec\":{\"type\":\"LoadBalancer\",\"ports\":[{\"port\":80}]}" status "}"
#define FROM_MAIN ",\"annotations\":{\"metallb.io/ip-allocated-from-pool\":\"main\"}"
#define HAS(ip)   ",\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"" ip "\"}]}}"

struct bed {
	struct agent_rig *rig;
	char feed[96];
	int fd; /* the feeder's */
	char in[65536];
	size_t len;
	char wish[1024]; /* the last one's text */
	uint64_t seen;
	unsigned n_wishes;
	char events[2048]; /* "name reason: message;" each */
	unsigned n_reports;
	char reports[KUBE_N_REPORTS][1024]; /* the last of each kind: "name text" */
};

static struct bed bed;

static struct kube_text text(const char *t)
{
	return (struct kube_text){.text = t, .len = strlen(t)};
}

static void say(const struct kube_frame *frame)
{
	struct strbuf out;

	strbuf_init(&out, KUBE_FRAME_BYTES);
	kube_frame_encode(&out, frame);
	assert_int_equal(send(bed.fd, out.data, out.len, MSG_NOSIGNAL), out.len);
	strbuf_done(&out);
}

static void connect_feeder(void)
{
	struct kube_frame hello = {
		.type = KUBE_FRAME_HELLO, .version = KUBE_FEED_VERSION, .n_kinds = N_KINDS};
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	bed.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", bed.feed);
	assert_int_equal(connect(bed.fd, (struct sockaddr *)&to, sizeof(to)), 0);
	for (int i = 0; i < N_KINDS; i++)
		hello.kinds[i] = text(kind_names[i]);
	say(&hello);
}

static void put(const char *name, const char *object)
{
	say(&(struct kube_frame){.type = KUBE_FRAME_PUT,
				 .kind = SERVICE,
				 .ns = text("shop"),
				 .name = text(name),
				 .text = text(object)});
}

static void complete_all(void)
{
	for (enum kind k = 0; k < N_KINDS; k++)
		say(&(struct kube_frame){.type = KUBE_FRAME_COMPLETE, .kind = (uint8_t)k});
}

static void hold(bool is_holder)
{
	say(&(struct kube_frame){.type = KUBE_FRAME_HOLDER, .is_holder = is_holder});
}

static void note_event(const struct kube_frame *f)
{
	const size_t len = strlen(bed.events);
	char text[512];
	cJSON *json;

	(void)snprintf(text, sizeof(text), "%.*s", (int)f->text.len, f->text.text);
	json = cJSON_Parse(text);
	assert_non_null(cJSON_GetStringValue(cJSON_GetObjectItem(json, "type")));
	(void)snprintf(bed.events + len, sizeof(bed.events) - len, "%.*s %s: %s;", (int)f->name.len,
		       f->name.text, cJSON_GetStringValue(cJSON_GetObjectItem(json, "reason")),
		       cJSON_GetStringValue(cJSON_GetObjectItem(json, "message")));
	cJSON_Delete(json);
}

/* What the agent has said since. */
static bool take_frames(void)
{
	const ssize_t got = recv(bed.fd, bed.in + bed.len, sizeof(bed.in) - bed.len, MSG_DONTWAIT);
	struct kube_frame f;
	size_t taken;

	if (got > 0)
		bed.len += (size_t)got;
	while (kube_frame_decode(bed.in, bed.len, &f, &taken) == KUBE_DECODED) {
		if (f.type == KUBE_FRAME_WISH && f.wish == KUBE_WISH_STATUS) {
			(void)snprintf(bed.wish, sizeof(bed.wish), "%.*s %.*s", (int)f.name.len,
				       f.name.text, (int)f.text.len, f.text.text);
			bed.seen = f.seen;
			bed.n_wishes++;
		} else if (f.type == KUBE_FRAME_WISH && f.wish == KUBE_WISH_EVENT) {
			note_event(&f);
		} else if (f.type == KUBE_FRAME_REPORT) {
			bed.n_reports++;
			(void)snprintf(bed.reports[f.report], sizeof(bed.reports[0]), "%.*s %.*s",
				       (int)f.name.len, f.name.text, (int)f.text.len, f.text.text);
		}
		bed.len -= taken;
		memmove(bed.in, bed.in + taken, bed.len);
	}
	return got > 0;
}

static bool has_wished(const struct agent_rig *rig)
{
	(void)rig;
	(void)take_frames();
	return bed.n_wishes > 0;
}

static bool is_complete(const struct agent_rig *rig)
{
	return agent_inputs_are_complete(&rig->agent.inputs) && rig_has_planned(rig);
}

static bool is_holder(const struct agent_rig *rig)
{
	return rig->agent.feed->is_holder && rig_has_planned(rig);
}

static nsec_t wait_until;
static bool time_is_over(const struct agent_rig *rig)
{
	(void)rig;
	return clock_now() >= wait_until;
}

static void run_for(struct agent_rig *rig, nsec_t ns)
{
	wait_until = clock_now() + ns;
	RIG_WAIT(rig, time_is_over);
	(void)take_frames();
}

/* So many addresses of Services of the shop the plan is made of. */
static size_t n_addresses(const struct agent_rig *rig)
{
	const struct plan_addresses *all = &rig->agent.current->addresses;
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		n += strcmp(all->items[i].ns, "shop") == 0;
	return n;
}

static bool has_one_address(const struct agent_rig *rig)
{
	return n_addresses(rig) == 1;
}

/* --- the tests -------------------------------------------------------------------------------- */

static void who_does_not_hold_the_lease_asks_for_nothing_and_gives_nothing(void **state)
{
	(void)state;
	connect_feeder();
	put("web", SERVICE_TEXT("web", "", ""));
	complete_all();
	RIG_WAIT(bed.rig, is_complete);
	run_for(bed.rig, 100 * NSEC_PER_MSEC);
	assert_int_equal(bed.n_wishes, 0);
	assert_int_equal(n_addresses(bed.rig), 0);
}

/* Nothing else changes then that would bring a plan about. */
static void who_gets_the_lease_asks_for_what_was_told_before(void **state)
{
	nsec_t begun;

	(void)state;
	connect_feeder();
	put("web", SERVICE_TEXT("web", "", ""));
	complete_all();
	RIG_WAIT(bed.rig, is_complete);
	run_for(bed.rig, 1500 * NSEC_PER_MSEC);
	assert_int_equal(bed.n_wishes, 0);
	begun = clock_now();
	hold(true);
	RIG_WAIT(bed.rig, has_wished);
	assert_true(clock_now() - begun < NSEC_PER_SEC);
}

/* When what came is taken, where plans are gathered until `gathered`. */
static nsec_t taken_at(const struct agent_rig *rig, nsec_t gathered)
{
	struct agent *a = (struct agent *)(uintptr_t)&rig->agent;

	agent_input_changed(&a->inputs, INPUT_FEED);
	return feed_deadline(a, gathered);
}

/* The one address that was asked for is taken at once when it comes back, of many each in its time;
 * and nothing hurries for long where it does not come. */
static void the_answer_to_one_wish_waits_for_no_other_news(void **state)
{
	struct agent_rig *rig = bed.rig;
	const nsec_t gathered = clock_now() + 3600 * NSEC_PER_SEC;

	(void)state;
	connect_feeder();
	complete_all();
	hold(true);
	RIG_WAIT(rig, is_holder);
	assert_true(taken_at(rig, gathered) == gathered);
	put("web", SERVICE_TEXT("web", "", ""));
	RIG_WAIT(rig, has_wished);
	assert_int_equal(rig->agent.feed->n_wished, 1);
	rig->agent.feed->wished_at = loop_now(rig->agent.loop);
	assert_true(taken_at(rig, gathered) == 0);
	rig->agent.restless = AGENT_RESTLESS;
	assert_true(taken_at(rig, gathered) == gathered);
	rig->agent.restless = 0;
	rig->agent.feed->n_wished = 2;
	assert_true(taken_at(rig, gathered) == gathered);
	rig->agent.feed->n_wished = 1;
	run_for(rig, 500 * NSEC_PER_MSEC); /* a turn may be long where others work */
	assert_true(taken_at(rig, gathered) == gathered);
	put("web", SERVICE_TEXT("web", FROM_MAIN, HAS("198.51.100.0")));
	RIG_WAIT(rig, has_one_address);
	assert_int_equal(rig->agent.feed->n_wished, 0);
}

static void the_holder_asks_and_acts_on_what_comes_back(void **state)
{
	_cleanup_(freep) char *saved = NULL;

	(void)state;
	connect_feeder();
	put("web", SERVICE_TEXT("web", "", ""));
	complete_all();
	hold(true);
	RIG_WAIT(bed.rig, has_wished);
	assert_string_equal(bed.wish,
			    "web {\"annotations\":{\"metallb.io/ip-allocated-from-pool\":\"main\"},"
			    "\"loadBalancer\":{\"ingress\":[{\"ip\":\"198.51.100.0\","
			    "\"ipMode\":\"VIP\"}]}}");
	assert_true(bed.seen == 1);
	run_for(bed.rig, 50 * NSEC_PER_MSEC);
	assert_int_equal(bed.n_wishes, 1);
	assert_int_equal(n_addresses(bed.rig), 0);
	put("web", SERVICE_TEXT("web", FROM_MAIN, HAS("198.51.100.0")));
	RIG_WAIT(bed.rig, has_one_address);
	run_for(bed.rig, 50 * NSEC_PER_MSEC);
	assert_int_equal(bed.n_wishes, 1);
	saved = rig_read_state(bed.rig, "addresses.yaml"); /* which has the Service of a file */
	assert_non_null(saved);
	assert_null(strstr(saved, "shop"));
}

static void what_comes_back_otherwise_is_asked_for_anew(void **state)
{
	(void)state;
	connect_feeder();
	put("web", SERVICE_TEXT("web", "", ""));
	complete_all();
	hold(true);
	RIG_WAIT(bed.rig, has_wished);
	bed.n_wishes = 0;
	put("web", SERVICE_TEXT("web", ",\"labels\":{\"a\":\"b\"}", ""));
	RIG_WAIT(bed.rig, has_wished);
	assert_true(bed.seen == 2);
	assert_non_null(strstr(bed.wish, "198.51.100.0"));
}

static void what_was_asked_for_is_not_given_to_another(void **state)
{
	(void)state;
	connect_feeder();
	put("web", SERVICE_TEXT("web", "", ""));
	complete_all();
	hold(true);
	RIG_WAIT(bed.rig, has_wished);
	bed.n_wishes = 0;
	put("a", SERVICE_TEXT("a", "", ""));
	RIG_WAIT(bed.rig, has_wished);
	assert_int_equal(strncmp(bed.wish, "a ", 2), 0);
	assert_non_null(strstr(bed.wish, "198.51.100.1"));
}

static bool is_planned(const struct agent_rig *rig)
{
	return !agent_inputs_due(&rig->agent.inputs, DUE_PLAN);
}

/* Each result has a number of its own: so often were what is used here and what is wanted given,
 * also by one more plan. */
static uint64_t n_given(void)
{
	struct agent *a = &bed.rig->agent;

	agent_input_changed(&a->inputs, INPUT_SINKS);
	RIG_WAIT(bed.rig, is_planned);
	return a->current->addresses.generation + a->current->wanted.generation;
}

/* A promise is made of what was given, and what is given of the promise: that comes to rest. */
static void what_is_asked_for_is_not_given_anew_by_each_plan(void **state)
{
	uint64_t given;

	(void)state;
	connect_feeder();
	put("web", SERVICE_TEXT("web", "", ""));
	complete_all();
	hold(true);
	RIG_WAIT(bed.rig, has_wished);
	given = n_given();
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(n_given(), given);
	put("web", SERVICE_TEXT("web", FROM_MAIN, HAS("198.51.100.0")));
	RIG_WAIT(bed.rig, has_one_address);
	assert_int_equal(n_given() - given, 2);
}

static void who_has_lost_the_lease_asks_no_more(void **state)
{
	(void)state;
	connect_feeder();
	complete_all();
	hold(true);
	RIG_WAIT(bed.rig, is_holder);
	hold(false);
	put("web", SERVICE_TEXT("web", "", ""));
	run_for(bed.rig, 100 * NSEC_PER_MSEC);
	assert_int_equal(bed.n_wishes, 0);
}

static void who_gets_the_lease_again_asks_again(void **state)
{
	(void)state;
	connect_feeder();
	put("web", SERVICE_TEXT("web", "", ""));
	complete_all();
	hold(true);
	RIG_WAIT(bed.rig, has_wished);
	bed.n_wishes = 0;
	hold(false);
	hold(true);
	RIG_WAIT(bed.rig, has_wished);
	assert_non_null(strstr(bed.wish, "198.51.100.0"));
}

static bool has_told(const struct agent_rig *rig)
{
	(void)rig;
	(void)take_frames();
	return bed.events[0] != '\0';
}

static void what_became_of_it_is_told_once(void **state)
{
	(void)state;
	connect_feeder();
	put("web", SERVICE_TEXT("web", "", ""));
	put("no",
	    SERVICE_TEXT("no", ",\"annotations\":{\"metallb.io/address-pool\":\"none\"}", ""));
	complete_all();
	hold(true);
	RIG_WAIT(bed.rig, has_told);
	assert_ptr_equal(
		strstr(bed.events, "no AllocationFailed: Failed to allocate IP for \"shop/no\": "),
		bed.events);
	bed.events[0] = '\0';
	put("web", SERVICE_TEXT("web", FROM_MAIN, HAS("198.51.100.0")));
	RIG_WAIT(bed.rig, has_told);
	assert_string_equal(bed.events, "web IPAllocated: Assigned IP [\"198.51.100.0\"];");
	bed.events[0] = '\0';
	put("web", SERVICE_TEXT("web", FROM_MAIN ",\"labels\":{\"a\":\"b\"}", HAS("198.51.100.0")));
	run_for(bed.rig, 1200 * NSEC_PER_MSEC);
	assert_string_equal(bed.events, "");
}

static bool has_told_that_it_announces(const struct agent_rig *rig)
{
	return has_told(rig) &&
	       strstr(bed.events, "web nodeAssigned: announcing from node \"node\"");
}

static void that_it_is_announced_from_here_is_told(void **state)
{
	(void)state;
	rig_write(bed.rig, "slice.yaml",
		  "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
		  "metadata: {name: web-1, namespace: shop,"
		  " labels: {kubernetes.io/service-name: web}}\naddressType: IPv4\n"
		  "ports: [{name: \"\", port: 80}]\n"
		  "endpoints: [{addresses: [10.244.0.1], nodeName: node}]\n");
	connect_feeder();
	complete_all();
	hold(true);
	put("web", SERVICE_TEXT("web", FROM_MAIN, HAS("198.51.100.0")));
	RIG_WAIT(bed.rig, has_told_that_it_announces);
}

static bool has_reported(const struct agent_rig *rig)
{
	(void)rig;
	(void)take_frames();
	return bed.reports[KUBE_REPORT_ALLOCATOR][0] != '\0';
}

/* Which changes by itself until then. */
static bool has_reported_the_session(const struct agent_rig *rig)
{
	return has_reported(rig) &&
	       strstr(bed.reports[KUBE_REPORT_SESSION], "\"bgpStatus\":\"Established\"");
}

static void how_the_node_is_is_reported_once(void **state)
{
	unsigned before;

	(void)state;
	connect_feeder();
	complete_all();
	hold(true);
	RIG_WAIT(bed.rig, has_reported_the_session);
	assert_non_null(strstr(bed.reports[KUBE_REPORT_CONFIGURATION],
			       "{\"labels\":{\"metallb.io/component-type\":\"speaker\","
			       "\"metallb.io/node-name\":"));
	assert_non_null(strstr(bed.reports[KUBE_REPORT_CONFIGURATION],
			       "\"status\":{\"result\":\"Valid\",\"errorSummary\":\"\","
			       "\"conditions\":[{\"type\":\"configReconcilerValid\","
			       "\"status\":\"True\",\"reason\":\"Reconciled\""));
	/* Pools of files have no status anywhere. */
	assert_string_equal(bed.reports[KUBE_REPORT_POOL], "");
	before = bed.n_reports;
	put("web", SERVICE_TEXT("web", "", ""));
	run_for(bed.rig, 1200 * NSEC_PER_MSEC);
	assert_int_equal(bed.n_reports, before);
	/* What is the allocator's is over with that. */
	hold(false);
	bed.reports[KUBE_REPORT_ALLOCATOR][0] = '\0';
	RIG_WAIT(bed.rig, has_reported);
	assert_string_equal(bed.reports[KUBE_REPORT_ALLOCATOR], "controller ");
}

static bool is_told_that_nobody_allocates(const struct agent_rig *rig)
{
	return rig_problem(rig, "NobodyAllocates");
}

static bool is_told_that_somebody_does(const struct agent_rig *rig)
{
	return !rig_problem(rig, "NobodyAllocates");
}

static void that_nobody_allocates_is_a_problem(void **state)
{
	(void)state;
	connect_feeder();
	complete_all();
	say(&(struct kube_frame){.type = KUBE_FRAME_ALLOCATOR, .text = text("status 403: no")});
	RIG_WAIT(bed.rig, is_told_that_nobody_allocates);
	assert_non_null(strstr(rig_problem(bed.rig, "NobodyAllocates")->message, "status 403: no"));
	say(&(struct kube_frame){.type = KUBE_FRAME_ALLOCATOR, .is_holder = true});
	RIG_WAIT(bed.rig, is_told_that_somebody_does);
}

static int set_up(void **state)
{
	(void)state;
	memset(&bed, 0, sizeof(bed));
	bed.rig = rig_new();
	rig_write(
		bed.rig, "main.yaml",
		"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"
		"metadata: {name: main, namespace: metallb-system}\n"
		"spec: {addresses: [198.51.100.0/28], serviceAllocation: {namespaces: [shop]}}\n");
	(void)snprintf(bed.feed, sizeof(bed.feed), "%s/feed", bed.rig->dir);
	bed.rig->options.feed = bed.feed;
	bed.fd = -1;
	rig_start(bed.rig);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (bed.fd >= 0)
		close(bed.fd);
	rig_free(bed.rig);
	return 0;
}

static bool has_given(const struct agent_rig *rig, size_t n)
{
	return rig->agent.given.n == n && rig_has_planned(rig);
}

static bool has_given_one(const struct agent_rig *rig)
{
	return has_given(rig, 1);
}

static bool has_given_two(const struct agent_rig *rig)
{
	return has_given(rig, 2);
}

/*
 * One plan gives the address of a Service of a file, notes it, and computes what the allocator
 * wants: with what was noted, for what stood there before is freed.
 */
static void what_is_wanted_follows_from_what_was_just_given(void **state)
{
	(void)state;
	connect_feeder();
	put("web", SERVICE_TEXT("web", "", ""));
	complete_all();
	RIG_WAIT(bed.rig, is_complete);
	RIG_WAIT(bed.rig, has_given_one);
	rig_write(bed.rig, "s2.yaml", RIG_SERVICE("s2"));
	RIG_WAIT(bed.rig, has_given_two);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(bed.rig->agent.given.items[i].name, i ? "s2" : "s1");
	hold(true); /* it was promised to nobody until now */
	RIG_WAIT(bed.rig, has_wished);
	assert_non_null(strstr(bed.wish, "web "));
}

/* With observe: true in `default` somebody else gives addresses, whoever has the Lease. */
static void who_stands_back_asks_for_nothing(void **state)
{
	(void)state;
	rig_write(bed.rig, "a-config.yaml",
		  "apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\n"
		  "metadata: {name: default}\n"
		  "spec: {observe: true}\n");
	connect_feeder();
	put("web", SERVICE_TEXT("web", "", ""));
	complete_all();
	hold(true);
	RIG_WAIT(bed.rig, is_complete);
	run_for(bed.rig, 1500 * NSEC_PER_MSEC);
	assert_int_equal(bed.n_wishes, 0);
	assert_string_equal(bed.events, "");
	assert_string_equal(bed.reports[KUBE_REPORT_SERVICE], "");
	assert_string_equal(bed.reports[KUBE_REPORT_CONFIGURATION], "");
	assert_string_equal(bed.reports[KUBE_REPORT_POOL], "");
	assert_non_null(strstr(bed.reports[KUBE_REPORT_SESSION], "\"bgpStatus\":\"Idle\""));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_does_not_hold_the_lease_asks_for_nothing_and_gives_nothing),
		TEST(who_gets_the_lease_asks_for_what_was_told_before),
		TEST(the_answer_to_one_wish_waits_for_no_other_news),
		TEST(the_holder_asks_and_acts_on_what_comes_back),
		TEST(what_comes_back_otherwise_is_asked_for_anew),
		TEST(what_was_asked_for_is_not_given_to_another),
		TEST(what_is_asked_for_is_not_given_anew_by_each_plan),
		TEST(who_has_lost_the_lease_asks_no_more),
		TEST(who_gets_the_lease_again_asks_again),
		TEST(what_became_of_it_is_told_once),
		TEST(that_it_is_announced_from_here_is_told),
		TEST(how_the_node_is_is_reported_once),
		TEST(that_nobody_allocates_is_a_problem),
		TEST(what_is_wanted_follows_from_what_was_just_given),
		TEST(who_stands_back_asks_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
