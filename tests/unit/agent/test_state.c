// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What survives a restart, with a whole agent and a real folder: addresses above all, since an
 * address that changes is an outage for whoever wrote it down.
 */
#include "agent/state.h"

#include "agent_rig.h"

#include <poll.h>
#include <sys/wait.h>

static bool has_two_addresses(const struct agent_rig *rig)
{
	return rig->agent.current && rig->agent.current->addresses.n == 2;
}

/* s1 came later than s2, so the order of names would give both other addresses. */
static struct agent_rig *rig_with_two(void)
{
	struct agent_rig *rig = rig_new();

	rig_remove(rig, "s1.yaml");
	rig_write(rig, "s2.yaml", RIG_SERVICE("s2"));
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	rig_write(rig, "s1.yaml", RIG_SERVICE("s1"));
	RIG_WAIT(rig, has_two_addresses);
	assert_string_equal(rig_address(rig, "s2"), "192.0.2.0");
	assert_string_equal(rig_address(rig, "s1"), "192.0.2.1");
	RIG_WAIT(rig, rig_is_saved);
	rig_crash(rig);
	return rig;
}

static void assert_as_before(struct agent_rig *rig)
{
	assert_string_equal(rig_address(rig, "s2"), "192.0.2.0");
	assert_string_equal(rig_address(rig, "s1"), "192.0.2.1");
	rig_free(rig);
}

static void addresses_survive_a_crash(void **state)
{
	struct agent_rig *rig = rig_with_two();

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	assert_as_before(rig);
}

static bool has_three_addresses(const struct agent_rig *rig)
{
	return rig->agent.current && rig->agent.current->addresses.n == 3;
}

/* Another Service would come first by its name, if anything of it were forgotten. */
static void addresses_of_both_families_survive_a_crash(void **state)
{
	static const char pool[] = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"
				   "metadata: {name: p, namespace: metallb-system}\n"
				   "spec: {addresses: [192.0.2.0/28, \"2001:db8::/64\"]}\n";
	static const char dual[] =
		"apiVersion: v1\nkind: Service\nmetadata: {name: dual, namespace: default}\n"
		"spec: {type: LoadBalancer, ipFamilyPolicy: RequireDualStack, "
		"ports: [{port: 80}]}\n";
	struct agent_rig *rig = rig_new();
	const struct plan_addresses *all;
	char text[IP_ADDR_TEXT];

	(void)state;
	rig_write(rig, "pool.yaml", pool);
	rig_write(rig, "dual.yaml", dual);
	rig_remove(rig, "s1.yaml");
	rig_start(rig);
	RIG_WAIT(rig, has_two_addresses);
	RIG_WAIT(rig, rig_is_saved);
	rig_crash(rig);
	rig_write(rig, "s1.yaml", RIG_SERVICE("a-first"));
	rig_start(rig);
	RIG_WAIT(rig, has_three_addresses);
	all = &rig->agent.current->addresses;
	assert_string_equal(ip_addr_text(&all->items[0].addr, text), "192.0.2.1");
	assert_string_equal(ip_addr_text(&all->items[1].addr, text), "192.0.2.0");
	assert_string_equal(ip_addr_text(&all->items[2].addr, text), "2001:db8::");
	assert_string_equal(all->items[2].pool, "p");
	rig_free(rig);
}

static bool has_s2_again(const struct agent_rig *rig)
{
	return rig_address(rig, "s2")[0] != '\0';
}

static void document_broken_at_a_restart_does_not_cost_the_address(void **state)
{
	struct agent_rig *rig = rig_with_two();

	(void)state;
	rig_write(rig, "s2.yaml", "kind: [unclosed\n");
	rig_write(rig, "s0.yaml", RIG_SERVICE("s0"));
	rig_start(rig);
	RIG_WAIT(rig, has_three_addresses);
	assert_string_equal(rig_address(rig, "s0"), "192.0.2.2");
	rig_crash(rig); /* it must be in the file still */
	rig_start(rig);
	RIG_WAIT(rig, has_three_addresses);
	rig_write(rig, "s2.yaml", RIG_SERVICE("s2"));
	RIG_WAIT(rig, has_s2_again);
	assert_as_before(rig);
}

static void pool_broken_at_a_restart_does_not_cost_the_address(void **state)
{
	struct agent_rig *rig = rig_with_two();

	(void)state;
	rig_write(rig, "pool.yaml", "kind: [unclosed\n");
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	assert_string_equal(rig_address(rig, "s2"), "192.0.2.0"); /* the pool of the last run */
	rig_crash(rig);
	rig_write(rig, "pool.yaml", RIG_POOL);
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	assert_as_before(rig);
}

static bool is_complete(const struct agent_rig *rig)
{
	return agent_inputs_are_complete(&rig->agent.inputs);
}

/* One file that cannot be read, the last, is not all of the configuration. */
static void slashes_behind_the_folder_change_nothing(void **state)
{
	struct agent_rig *rig = rig_new();
	char folder[128], odd[128];

	(void)state;
	snprintf(odd, sizeof(odd), "%s/z-odd.yaml", rig->config);
	assert_int_equal(mkdir(odd, 0700), 0);
	snprintf(folder, sizeof(folder), "%s//", rig->config);
	rig->options.config = folder;
	rig_start(rig);
	RIG_WAIT(rig, is_complete);
	RIG_WAIT(rig, rig_has_planned);
	assert_false(rig->agent.config_failing);
	assert_non_null(rig_problem(rig, "SourceUnreadable"));
	rig_free(rig);
}

static void folder_missing_at_a_restart_costs_no_address(void **state)
{
	struct agent_rig *rig = rig_with_two();
	char away[128];

	(void)state;
	snprintf(away, sizeof(away), "%s.away", rig->config);
	assert_int_equal(rename(rig->config, away), 0);
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	assert_false(rig->agent.current->plan.end_of_rib);
	assert_non_null(rig_problem(rig, "SourceUnreadable"));
	rig_crash(rig);
	assert_int_equal(rename(away, rig->config), 0);
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	assert_as_before(rig);
}

static bool s2_is_gone(const struct agent_rig *rig)
{
	return rig->agent.current->addresses.n == 1;
}

static void address_of_a_service_that_was_deleted_is_free_again(void **state)
{
	struct agent_rig *rig = rig_with_two();

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, has_two_addresses);
	rig_remove(rig, "s2.yaml");
	RIG_WAIT(rig, s2_is_gone);
	rig_write(rig, "s3.yaml", RIG_SERVICE("s3"));
	RIG_WAIT(rig, has_two_addresses);
	assert_string_equal(rig_address(rig, "s3"), "192.0.2.0");
	rig_free(rig);
}

static void corrupt_file_is_kept_aside_and_counts_as_far_as_it_can_be_read(void **state)
{
	struct agent_rig *rig = rig_with_two();
	char *text = rig_read_state(rig, "addresses.yaml");
	char *second = strstr(strstr(text, "---") + 3, "---");
	char *aside, *anew;

	(void)state;
	snprintf(second + 4, 17, "kind: [unclosed\n");
	rig_write_to(rig->state, "addresses.yaml", text);
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	assert_string_equal(rig_address(rig, "s1"), "192.0.2.1");
	aside = rig_read_state(rig, "addresses.yaml.bad");
	anew = rig_read_state(rig, "addresses.yaml");
	assert_string_equal(aside, text);
	assert_non_null(strstr(anew, "192.0.2.0"));
	free(aside);
	free(anew);
	free(text);
	rig_free(rig);
}

/* Waits for the UPDATE of 192.0.2.0/32 on the router's socket; 0 if it was in the file by then. */
static int watch_wire(const struct agent_rig *rig)
{
	static const uint8_t prefix[] = {32, 192, 0, 2, 0};
	struct pollfd fd = {.fd = rig->router->fd, .events = POLLIN};
	uint8_t data[4096];

	while (poll(&fd, 1, 10000) == 1) {
		ssize_t n = recv(rig->router->fd, data, sizeof(data), MSG_PEEK);
		char *text;
		int missing;

		if (n <= 0 || !memmem(data, (size_t)n, prefix, sizeof(prefix)))
			continue;
		text = rig_read_state(rig, "addresses.yaml");
		missing = !text || !strstr(text, "192.0.2.0");
		free(text);
		return missing;
	}
	return 2;
}

static bool child_has_ended(const struct agent_rig *rig)
{
	siginfo_t info = {0};

	(void)rig;
	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

static bool heard_end_of_rib(const struct agent_rig *rig)
{
	return rig->router->end_of_ribs > 0;
}

/* The router must never hear of an address that a crash right then would change. */
static void address_is_saved_before_it_is_announced(void **state)
{
	struct agent_rig *rig = rig_new();
	pid_t child;
	int status;

	(void)state;
	rig_remove(rig, "s1.yaml");
	rig_start(rig);
	RIG_WAIT(rig, heard_end_of_rib);
	rig->router->reads = false;
	child = fork();
	if (child == 0) {
		rig->running = false; /* it reads what is on disk, and has no helper to wait for */
		_exit(watch_wire(rig));
	}
	rig_write(rig, "s1.yaml", RIG_SERVICE("s1"));
	RIG_WAIT(rig, child_has_ended);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	rig_free(rig);
}

struct stuck {
	struct worker_job base; /* first */
	int ends[2];
	bool is_back;
};

static void hang(struct worker_job *base)
{
	char word;

	(void)!read(((struct stuck *)base)->ends[0], &word, 1);
}

static void is_back(struct worker_job *base)
{
	((struct stuck *)base)->is_back = true;
}

/* What is to be on disk first is waited for, but not for ever. */
static void a_disk_that_hangs_holds_nobody_back(void **state)
{
	struct agent_rig *rig = rig_new();
	struct stuck stuck = {.base = {.run = hang, .done = is_back}};

	(void)state;
	assert_int_equal(pipe(stuck.ends), 0);
	rig_start(rig);
	worker_add(rig->agent.disk, &stuck.base);
	RIG_WAIT(rig, rig_announces);
	assert_false(stuck.is_back);
	assert_int_equal(write(stuck.ends[1], "!", 1), 1);
	worker_finish(rig->agent.disk);
	assert_true(stuck.is_back);
	close(stuck.ends[0]);
	close(stuck.ends[1]);
	rig_free(rig);
}

static bool has_turned(const struct agent_rig *rig)
{
	return rig->agent.current && rig->turns > 50;
}

/* As often as it is planned: what is on the disk already is not written again. */
static void what_did_not_change_is_not_written(void **state)
{
	static const char *const names[] = {"ledger.yaml", "addresses.yaml"};
	struct agent_rig *rig = rig_new();
	struct stat before[ARRAY_SIZE(names)], after;
	char path[192];

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	for (unsigned round = 0; round < 5; round++) {
		rig->turns = 0;
		agent_input_changed(&rig->agent.inputs, INPUT_SINKS);
		RIG_WAIT(rig, has_turned);
		worker_finish(rig->agent.disk);
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			snprintf(path, sizeof(path), "%s/%s", rig->state, names[i]);
			assert_int_equal(stat(path, &after), 0);
			if (round > 0) {
				assert_int_equal(after.st_ino, before[i].st_ino);
				assert_int_equal(after.st_ctim.tv_nsec, before[i].st_ctim.tv_nsec);
			}
			before[i] = after;
		}
	}
	rig_free(rig);
}

static bool is_in_ledger(const struct agent_rig *rig, const char *what)
{
	_cleanup_(freep) char *text = rig_read_state(rig, "ledger.yaml");

	return strstr(text, what);
}

/* Many of them come and go while Services are edited, and a write costs two syncs of the disk. */
static void drains_are_written_together(void **state)
{
	struct agent_rig *rig = rig_new();
	struct agent *a = &rig->agent;
	struct plan_drain drain = {.until = 4242};
	nsec_t now;

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	now = clock_now();
	drain.frontend.addr = ip_addr_from_v4(0xc0a86401);
	drain.target.addr = ip_addr_from_v4(0xac1f0001);
	a->ledger.drains = &drain;
	a->ledger.n_drains = 1;
	state_save(a, now);
	assert_false(is_in_ledger(rig, "172.31.0.1"));
	assert_true(state_tick(a, now + NSEC_PER_SEC / 2) <= now + NSEC_PER_SEC);
	assert_false(is_in_ledger(rig, "172.31.0.1"));
	state_save(a, now + NSEC_PER_SEC - 1); /* is not put off */
	(void)state_tick(a, now + NSEC_PER_SEC);
	assert_true(is_in_ledger(rig, "172.31.0.1"));

	/* What the disk would cut short does not wait. */
	drain.until++;
	state_save(a, now + NSEC_PER_SEC);
	assert_true(is_in_ledger(rig, "4243"));

	/* Nor does anything at the end. */
	drain.target.addr = ip_addr_from_v4(0xac1f0002);
	state_save(a, now + NSEC_PER_SEC);
	assert_false(is_in_ledger(rig, "172.31.0.2"));
	state_finish(a, now + NSEC_PER_SEC);
	assert_true(is_in_ledger(rig, "172.31.0.2"));
	a->ledger.n_drains = 0;
	rig_free(rig);
}

/* It holds passwords. */
static void ledger_is_for_the_agent_alone(void **state)
{
	struct agent_rig *rig = rig_new();
	char path[160];
	struct stat st;
	char *text;

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	snprintf(path, sizeof(path), "%s/ledger.yaml", rig->state);
	text = rig_read_state(rig, "ledger.yaml");
	assert_non_null(strstr(text, "BGPPeer"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	free(text);
	rig_free(rig);
}

static bool has_lost_the_state_problem(const struct agent_rig *rig)
{
	return !rig_problem(rig, "StateUnwritable");
}

/* A file stands where the folder should be, which stops root, too. */
static void unwritable_state_is_a_problem_as_long_as_it_lasts(void **state)
{
	struct agent_rig *rig = rig_new();

	(void)state;
	rig_write_to(rig->dir, "state", "");
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	assert_non_null(rig_problem(rig, "StateUnwritable"));
	assert_non_null(rig_problem(rig, "StateUnwritable")->remedy);
	assert_int_equal(unlink(rig->state), 0);
	rig_write(rig, "s2.yaml", RIG_SERVICE("s2"));
	RIG_WAIT(rig, has_lost_the_state_problem);
	rig_free(rig);
}

static void only_a_restart_sets_the_restart_bit(void **state)
{
	struct agent_rig *rig = rig_new();

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	assert_false(rig->router->open.gr.restarting);
	assert_true(rig->router->open.gr.present);
	rig_crash(rig);

	rig->router->end_of_ribs = 0;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	assert_true(rig->router->open.gr.restarting);
	/* Mode off: the kernel went on forwarding. */
	assert_true(bgp_families_has(rig->router->open.gr.forwarding, BGP_IPV4_UNICAST));
	state_forget_alive(&rig->agent); /* as SIGINT */
	rig_crash(rig);

	rig->router->end_of_ribs = 0;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	assert_false(rig->router->open.gr.restarting);
	rig_free(rig);
}

/* Peers of a configuration that comes late were had by the former process all the same. */
static void restart_bit_waits_for_the_first_complete_picture(void **state)
{
	struct agent_rig *rig = rig_new();
	char away[128];

	(void)state;
	snprintf(away, sizeof(away), "%s.away", rig->config);
	rig_remove(rig, "peer.yaml");
	rig_start(rig);
	RIG_WAIT(rig, rig_is_saved);
	rig_crash(rig);

	rig_write(rig, "peer.yaml", RIG_PEER);
	assert_int_equal(rename(rig->config, away), 0);
	rig_start(rig);
	rig->turns = 0;
	RIG_WAIT(rig, has_turned);
	assert_int_equal(rig->agent.current->plan.n_peers, 0);
	assert_int_equal(rename(away, rig->config), 0);
	RIG_WAIT(rig, rig_announces);
	assert_true(rig->router->open.gr.restarting);
	rig_free(rig);
}

static bool has_no_peer(const struct agent_rig *rig)
{
	return rig->agent.current->plan.n_peers == 0 && rig->agent.peers.n == 0;
}

/* A router that is added later was nobody's before: it keeps nothing, and is to keep nothing. */
static void restart_bit_is_for_the_peers_of_the_first_picture_alone(void **state)
{
	struct agent_rig *rig = rig_new();

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	rig_crash(rig);
	rig->router->end_of_ribs = 0;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	assert_true(rig->router->open.gr.restarting);
	rig_remove(rig, "peer.yaml");
	RIG_WAIT(rig, has_no_peer);
	rig->router->end_of_ribs = 0;
	rig_write(rig, "peer.yaml", RIG_PEER);
	RIG_WAIT(rig, rig_announces);
	assert_false(rig->router->open.gr.restarting);
	rig_free(rig);
}

static void sign_of_life_of_another_boot_or_too_old_is_no_restart(void **state)
{
	struct agent_rig *rig = rig_new();
	char text[128];

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	rig_crash(rig);
	snprintf(text, sizeof(text), "boot: \"1\"\nmonotonicNanoseconds: \"%llu\"\n",
		 (unsigned long long)clock_now());
	rig_write_to(rig->state, "alive.yaml", text);
	rig_start(rig);
	assert_false(rig->agent.peers.restarted);
	rig_crash(rig);
	snprintf(text, sizeof(text), "boot: \"%llx\"\nmonotonicNanoseconds: \"%llu\"\n",
		 (unsigned long long)clock_boot_id(),
		 (unsigned long long)(clock_now() - 200 * NSEC_PER_SEC));
	rig_write_to(rig->state, "alive.yaml", text);
	rig_start(rig);
	assert_false(rig->agent.peers.restarted);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_survive_a_crash),
		cmocka_unit_test(addresses_of_both_families_survive_a_crash),
		cmocka_unit_test(document_broken_at_a_restart_does_not_cost_the_address),
		cmocka_unit_test(pool_broken_at_a_restart_does_not_cost_the_address),
		cmocka_unit_test(slashes_behind_the_folder_change_nothing),
		cmocka_unit_test(folder_missing_at_a_restart_costs_no_address),
		cmocka_unit_test(address_of_a_service_that_was_deleted_is_free_again),
		cmocka_unit_test(corrupt_file_is_kept_aside_and_counts_as_far_as_it_can_be_read),
		cmocka_unit_test(address_is_saved_before_it_is_announced),
		cmocka_unit_test(what_did_not_change_is_not_written),
		cmocka_unit_test(a_disk_that_hangs_holds_nobody_back),
		cmocka_unit_test(drains_are_written_together),
		cmocka_unit_test(ledger_is_for_the_agent_alone),
		cmocka_unit_test(unwritable_state_is_a_problem_as_long_as_it_lasts),
		cmocka_unit_test(only_a_restart_sets_the_restart_bit),
		cmocka_unit_test(restart_bit_waits_for_the_first_complete_picture),
		cmocka_unit_test(restart_bit_is_for_the_peers_of_the_first_picture_alone),
		cmocka_unit_test(sign_of_life_of_another_boot_or_too_old_is_no_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
