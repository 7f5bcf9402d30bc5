// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * RFC 4271 8.2.2 as a table: each of the six states meets each event, and the table says the next
 * state, what the driver is asked to do, and which messages go out. Timers follow from the state
 * and are checked after every step.
 */
#include "bgp_script.h"

#include "bgp/bgp_fsm.h"

#define NOW SECONDS(1000)

struct cell {
	int next;        /* enum bgp_state, or STAY */
	const char *out; /* "CLOSE", "CONNECT", messages */
};

#define STAY -1
#define SAME                                                                                       \
	{                                                                                          \
		STAY, ""                                                                           \
	}
#define IDLE(out)                                                                                  \
	{                                                                                          \
		BGP_IDLE, out                                                                      \
	}
#define QUIET       IDLE("")
#define CLOSED      IDLE("CLOSE")
#define NOTIFIED(n) IDLE("CLOSE NOTIFICATION " n)
#define UNEXPECTED  NOTIFIED("5/1"), NOTIFIED("5/2"), NOTIFIED("5/3")
#define OPENS                                                                                      \
	{                                                                                          \
		BGP_OPEN_SENT, "OPEN"                                                              \
	}

struct row {
	enum bgp_fsm_event event;
	struct cell cell[6]; /* Idle, Connect, Active, OpenSent, OpenConfirm, Established */
};

static const struct row table[] = {
	{BGP_FSM_MANUAL_START, {{BGP_CONNECT, "CONNECT"}, SAME, SAME, SAME, SAME, SAME}},
	{BGP_FSM_MANUAL_STOP,
	 {SAME, CLOSED, QUIET, NOTIFIED("6/2"), NOTIFIED("6/2"), NOTIFIED("6/2")}},
	{BGP_FSM_PASSIVE_START, {{BGP_ACTIVE, ""}, SAME, SAME, SAME, SAME, SAME}},
	{BGP_FSM_AUTOMATIC_STOP,
	 {SAME, CLOSED, QUIET, NOTIFIED("6/10"), NOTIFIED("6/10"), NOTIFIED("6/10")}},
	{BGP_FSM_CONNECT_RETRY,
	 {SAME, {BGP_CONNECT, "CLOSE CONNECT"}, {BGP_CONNECT, "CONNECT"}, UNEXPECTED}},
	{BGP_FSM_HOLD_EXPIRED,
	 {SAME, CLOSED, QUIET, NOTIFIED("4/0"), NOTIFIED("4/0"), NOTIFIED("4/0")}},
	{BGP_FSM_KEEPALIVE_EXPIRED,
	 {SAME, CLOSED, QUIET, NOTIFIED("5/1"), {STAY, "KEEPALIVE"}, {STAY, "KEEPALIVE"}}},
	{BGP_FSM_IDLE_HOLD, {{BGP_CONNECT, "CONNECT"}, CLOSED, QUIET, UNEXPECTED}},
	{BGP_FSM_TCP_ACKED, {{STAY, "CLOSE"}, OPENS, OPENS, SAME, SAME, SAME}},
	{BGP_FSM_TCP_CONFIRMED, {{STAY, "CLOSE"}, OPENS, OPENS, SAME, SAME, SAME}},
	{BGP_FSM_TCP_FAILS,
	 {SAME, {BGP_ACTIVE, "CLOSE"}, QUIET, {BGP_ACTIVE, "CLOSE"}, CLOSED, CLOSED}},
	{BGP_FSM_OPEN,
	 {SAME, CLOSED, QUIET, {BGP_OPEN_CONFIRM, "KEEPALIVE"}, NOTIFIED("5/2"), NOTIFIED("5/3")}},
	{BGP_FSM_HEADER_ERROR,
	 {SAME, CLOSED, QUIET, NOTIFIED("1/2"), NOTIFIED("1/2"), NOTIFIED("1/2")}},
	{BGP_FSM_OPEN_ERROR,
	 {SAME, CLOSED, QUIET, NOTIFIED("2/2"), NOTIFIED("2/2"), NOTIFIED("5/3")}},
	{BGP_FSM_COLLISION_DUMP,
	 {SAME, CLOSED, QUIET, NOTIFIED("6/7"), NOTIFIED("6/7"), NOTIFIED("6/7")}},
	{BGP_FSM_NOTIFICATION_VERSION, {SAME, CLOSED, QUIET, CLOSED, CLOSED, CLOSED}},
	{BGP_FSM_NOTIFICATION, {SAME, CLOSED, QUIET, CLOSED, CLOSED, CLOSED}},
	{BGP_FSM_KEEPALIVE, {SAME, CLOSED, QUIET, NOTIFIED("5/1"), {BGP_ESTABLISHED, ""}, SAME}},
	{BGP_FSM_UPDATE, {SAME, CLOSED, QUIET, NOTIFIED("5/1"), NOTIFIED("5/2"), SAME}},
	{BGP_FSM_UPDATE_ERROR,
	 {SAME, CLOSED, QUIET, NOTIFIED("5/1"), NOTIFIED("5/2"), NOTIFIED("3/1")}},
	{BGP_FSM_SEND_HOLD, {SAME, CLOSED, QUIET, CLOSED, CLOSED, CLOSED}},
	{BGP_FSM_ROUTE_REFRESH, {SAME, CLOSED, QUIET, NOTIFIED("5/1"), NOTIFIED("5/2"), SAME}},
	{BGP_FSM_BFD_UP, {SAME, SAME, SAME, SAME, SAME, SAME}}, /* nobody waits for it here */
};

struct fixture {
	struct bgp_peer_config config;
	struct bgp_conn conn;
	struct bgp_rib *rib;
	struct bgp_rib_in *rib_in;
};

static struct bgp_error error_of(enum bgp_fsm_event event)
{
	switch ((int)event) {
	case BGP_FSM_MANUAL_STOP:
		return bgp_error_make(6, 2);
	case BGP_FSM_AUTOMATIC_STOP:
		return bgp_error_make(6, 10);
	case BGP_FSM_HEADER_ERROR:
		return bgp_error_make(1, 2);
	case BGP_FSM_OPEN_ERROR:
		return bgp_error_make(2, 2);
	case BGP_FSM_COLLISION_DUMP:
		return bgp_error_make(6, 7);
	case BGP_FSM_NOTIFICATION_VERSION:
		return bgp_error_make(2, 1);
	case BGP_FSM_UPDATE_ERROR:
		return bgp_error_make(3, 1);
	default:
		return bgp_error_make(6, 4);
	}
}

static uint8_t type_of(enum bgp_fsm_event event)
{
	switch ((int)event) {
	case BGP_FSM_OPEN:
	case BGP_FSM_OPEN_ERROR:
		return BGP_OPEN;
	case BGP_FSM_UPDATE:
	case BGP_FSM_UPDATE_ERROR:
		return BGP_UPDATE;
	case BGP_FSM_KEEPALIVE:
		return BGP_KEEPALIVE;
	case BGP_FSM_ROUTE_REFRESH:
		return BGP_ROUTE_REFRESH;
	default:
		return 0;
	}
}

static void step(struct bgp_conn *c, enum bgp_fsm_event event, nsec_t now)
{
	const struct bgp_error error = error_of(event);
	const struct bgp_open open = script_open();
	const struct bgp_fsm_input in = {.event = event,
					 .error = &error,
					 .open = &open,
					 .message_type = type_of(event),
					 .reason = "test"};

	bgp_fsm_step(c, now, &in);
}

static struct script_text drain(struct bgp_conn *c)
{
	static const char *const name[] = {
		[BGP_EVENT_CONNECT] = "CONNECT", [BGP_EVENT_CLOSE] = "CLOSE"};
	struct script_text t = {.s = ""};
	enum bgp_event_type type;
	uint8_t buf[BGP_MESSAGE_MAX];
	struct script_text sent;

	while (bgp_conn_poll(c, &type))
		text_add(&t, name[type]);
	sent = script_text_of(buf, bgp_conn_transmit(c, NOW, buf, sizeof(buf)));
	if (sent.s[0] != '\0')
		text_add(&t, sent.s);
	return t;
}

static void enter(struct fixture *f, enum bgp_state state)
{
	static const enum bgp_fsm_event path[] = {BGP_FSM_MANUAL_START, BGP_FSM_TCP_ACKED,
						  BGP_FSM_OPEN, BGP_FSM_KEEPALIVE};
	const struct rng rng = {.s = {1, 2}};

	f->config = script_config();
	bgp_conn_init(&f->conn, &f->config, f->rib, f->rib_in, &rng);
	if (state == BGP_ACTIVE)
		step(&f->conn, BGP_FSM_PASSIVE_START, NOW);
	for (size_t i = 0; f->conn.state != state; i++)
		step(&f->conn, path[i], NOW);
	(void)drain(&f->conn);
}

/* Idle and Active have no timer of their own: when to dial again is the owner's decision. */
static void assert_timers_fit_state(const struct bgp_conn *c)
{
	assert_int_equal(c->retry_at != NSEC_NEVER, c->state == BGP_CONNECT);
	assert_int_equal(c->hold_at != NSEC_NEVER, c->state >= BGP_OPEN_SENT);
	assert_int_equal(c->keepalive_at != NSEC_NEVER, c->state >= BGP_OPEN_CONFIRM);
	assert_int_equal(c->send_hold_at != NSEC_NEVER, c->state == BGP_ESTABLISHED);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->rib = bgp_rib_new(NULL);
	f->rib_in = bgp_rib_in_new(1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	bgp_rib_free(f->rib);
	bgp_rib_in_free(f->rib_in);
	free(f);
	return 0;
}

static void every_state_meets_every_event_as_the_table_says(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		for (enum bgp_state from = BGP_IDLE; from <= BGP_ESTABLISHED; from++) {
			const struct cell *cell = &table[i].cell[from];
			enum bgp_state next =
				cell->next == STAY ? from : (enum bgp_state)cell->next;
			struct script_text out;

			enter(f, from);
			step(&f->conn, table[i].event, NOW);
			out = drain(&f->conn);
			if (f->conn.state != next || strcmp(out.s, cell->out) != 0)
				fail_msg("event %d in %s: %s [%s], expected %s [%s]",
					 table[i].event, bgp_state_text(from),
					 bgp_state_text(f->conn.state), out.s, bgp_state_text(next),
					 cell->out);
			assert_timers_fit_state(&f->conn);
		}
	}
}

static void table_has_each_event_once(void **state)
{
	uint64_t seen = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_false(seen >> table[i].event & 1);
		seen |= UINT64_C(1) << table[i].event;
	}
	assert_int_equal(ARRAY_SIZE(table), 23);
}

static void fsm_error_carries_the_type_of_the_message(void **state)
{
	struct fixture *f = *state;

	enter(f, BGP_OPEN_SENT);
	step(&f->conn, BGP_FSM_UPDATE, NOW);
	assert_int_equal(f->conn.notification.data_len, 1);
	assert_int_equal(f->conn.notification.data[0], BGP_UPDATE);
}

static void passive_connection_that_fails_in_open_sent_is_idle(void **state)
{
	struct fixture *f = *state;

	enter(f, BGP_IDLE);
	f->conn.is_passive = true;
	step(&f->conn, BGP_FSM_PASSIVE_START, NOW);
	step(&f->conn, BGP_FSM_TCP_CONFIRMED, NOW);
	assert_int_equal(f->conn.state, BGP_OPEN_SENT);
	step(&f->conn, BGP_FSM_TCP_FAILS, NOW);
	assert_int_equal(f->conn.state, BGP_IDLE);
}

static void only_keepalive_and_update_restart_the_hold_timer(void **state)
{
	struct fixture *f = *state;

	enter(f, BGP_ESTABLISHED);
	assert_int_equal(f->conn.hold_at, NOW + SECONDS(90));
	step(&f->conn, BGP_FSM_KEEPALIVE, NOW + SECONDS(10));
	assert_int_equal(f->conn.hold_at, NOW + SECONDS(100));
	step(&f->conn, BGP_FSM_UPDATE, NOW + SECONDS(20));
	assert_int_equal(f->conn.hold_at, NOW + SECONDS(110));
	step(&f->conn, BGP_FSM_ROUTE_REFRESH, NOW + SECONDS(30));
	step(&f->conn, BGP_FSM_KEEPALIVE_EXPIRED, NOW + SECONDS(30));
	assert_int_equal(f->conn.hold_at, NOW + SECONDS(110));
}

static void open_sent_holds_four_minutes(void **state)
{
	struct fixture *f = *state;

	enter(f, BGP_OPEN_SENT);
	assert_int_equal(f->conn.hold_at, NOW + SECONDS(240));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_state_meets_every_event_as_the_table_says,
						setup, teardown),
		cmocka_unit_test(table_has_each_event_once),
		cmocka_unit_test_setup_teardown(fsm_error_carries_the_type_of_the_message, setup,
						teardown),
		cmocka_unit_test_setup_teardown(passive_connection_that_fails_in_open_sent_is_idle,
						setup, teardown),
		cmocka_unit_test_setup_teardown(only_keepalive_and_update_restart_the_hold_timer,
						setup, teardown),
		cmocka_unit_test_setup_teardown(open_sent_holds_four_minutes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
