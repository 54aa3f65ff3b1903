/*
 * test_jsonrpc_b.c - dialect B, both dialects in one room, resume, control.*,
 * and the examples of the JSON-RPC 2.0 specification
 */

#include "signaling/options.h"
#include "tests/unit/rpc_kit.h"

#define NOTE(method, params) V ",\"method\":\"" method "\",\"params\":" params
#define ERR2(code, message, reason)                                           \
	OK1_ERROR "{\"code\":" code ",\"message\":\"" message                 \
	"\",\"data\":{\"reason\":\"" reason "\"}}}\n"
#define OK1_ERROR "a: " ID1 ",\"error\":"
#define NOT_YET ERR2("-32600", "Not announced: call peer.announce first",     \
		     "call peer.announce first")
#define INFO0 "{\"addresses\":[],\"hostname\":\"box\",\"version\":\"1\","     \
	"\"ice_servers\":[],\"auth_required\":false}}\n"

/* One message of a stranger (not announced), and all that comes back. */
static const struct {
	const char *in, *out;
} strangers[] = {
	{ M("peer.list", "{}"), OK1 "{\"peers\":[],\"count\":0}}\n" },
	{ ID1 ",\"method\":\"peer.list\"}",
	  OK1 "{\"peers\":[],\"count\":0}}\n" },
	{ M("server.info", "{}"), OK1 INFO0 },
	{ ID1 ",\"method\":\"server.info\"}", OK1 INFO0 },
	{ V ",\"id\":\"lan-discovery\",\"method\":\"server.info\"}",
	  "a: " V ",\"id\":\"lan-discovery\",\"result\":" INFO0 },
	{ V ",\"method\":\"server.info\"}", "" },
	{ V ",\"method\":\"peer.offer\",\"params\":{}}", "" },
	{ M("peer.nope", "{}"),
	  ERR2("-32601", "Unknown method: peer.nope", "no such method") },
	{ M("server.", "{}"),
	  ERR2("-32601", "Unknown method: server.", "no such method") },
	{ M("peer.offer", "{}"), NOT_YET },
	{ M("peer.answer", "{\"to\":\"b\",\"sdp\":\"s\"}"), NOT_YET },
	{ M("peer.ice_candidate", "{}"), NOT_YET },
	{ M("peer.disconnect", "{}"), NOT_YET },
	{ M("control.flush_audio", "{}"),
	  ERR2("-32600", "Not announced: call peer.announce before any "
	       "control.* method", "call peer.announce first") },
	{ M("control.subscribe", "[]"),
	  ERR2("-32600", "Not announced: call peer.announce before any "
	       "control.* method", "call peer.announce first") },
	{ M("peer.announce", "{}"),
	  ERR2("-32602", PAR, "peer_id is missing") },
	{ M("peer.announce", "[\"a\"]"),
	  ERR2("-32602", PAR, "peer_id is missing") },
	{ M("peer.announce", "{\"peer_id\":\"\"}"),
	  ERR2("-32602", PAR, "peer_id is empty") },
	{ M("peer.announce", "{\"peer_id\":\"a\",\"capabilities\":1}"),
	  ERR2("-32602", PAR, "capabilities is neither object nor array") },
	{ M("peer.announce", "{\"peer_id\":\"a\",\"user_data\":[]}"),
	  ERR2("-32602", PAR, "user_data is not an object") },
	{ M("peer.announce", "{\"peer_id\":\"a\",\"session\":5}"),
	  ERR2("-32602", PAR, "session is not a string") },
	{ M("peer.announce", "{\"peer_id\":\"a\",\"resume_token\":{}}"),
	  ERR2("-32602", PAR, "resume_token is not a string") },
	{ M("peer.announce", "{\"peer_id\":\"\\u0001\"}"),
	  ERR2("-32602", PAR, "peer_id is not 1 to 128 bytes of text without "
	       "controls") },
	{ M("peer.announce", "{\"peer_id\":" SERVER "}"),
	  ERR2("-32602", "Peer already announced: remotemedia-server",
	       "this id is reserved") },
	{ M("peer.announce", "{\"peer_id\":\"b\",\"capabilities\":"
	    "[\"audio\"],\"user_data\":{\"n\":1}}"),
	  OK1 "{\"success\":true,\"peer_id\":\"b\",\"peers_count\":1,"
	  "\"other_peers\":[]" ANNOUNCED("false", "null") },
	{ M("peer.announce", "{\"peer_id\":\"b\",\"session\":\"r\"}"),
	  OK1 "{\"success\":true,\"peer_id\":\"b\",\"peers_count\":1,"
	  "\"other_peers\":[]" ANNOUNCED("false", "\"r\"") },
	{ M("peer.announce", "{\"peer_id\":\"b\",\"resume_token\":\"old\"}"),
	  OK1 "{\"success\":true,\"peer_id\":\"b\",\"peers_count\":1,"
	  "\"other_peers\":[]" ANNOUNCED("false", "null") },
};

START_TEST(a_stranger_is_answered_as_the_table_says)
{
	begin();
	say('a', strangers[_i].in);
	expect(strangers[_i].out);
	end();
}
END_TEST

#define LISTED_B(name, caps) "{\"peer_id\":\"" name "\",\"capabilities\":"    \
	caps "," LISTED "}"
#define DONE(key, value) OK1 "{\"success\":true,\"" key "\":" value "}}\n"
#define NOBODY ERR2("-32000", "Peer not found: x",                            \
		    "no peer has announced that id")

/* The same for a, which is announced; b and c are too, c in dialect A. */
static const struct {
	const char *in, *out;
} members[] = {
	{ M("peer.announce", "{\"peer_id\":\"a\"}"),
	  ERR2("-32602", "Peer already announced: a",
	       "this connection has announced it already") },
	{ M("peer.announce", "{\"peer_id\":\"z\"}"),
	  ERR2("-32025", "Wrong state",
	       "this connection has announced another id") },
	{ M("peer.offer", "{\"from\":\"liar\",\"to\":\"b\",\"sdp\":\"s\","
	    "\"can_trickle_ice_candidates\":true}"),
	  "b: " NOTE("peer.offer", "{\"from\":\"a\",\"to\":\"b\",\"offer_id\":"
		     "\"a_b_1764000000000\",\"sdp\":\"s\",\"type\":"
		     "\"offer\"}}\n") DONE("to_peer_id", "\"b\"") },
	{ M("peer.offer", "{\"to\":\"c\",\"sdp\":\"s\"}"),
	  "c: " NOTE("offer", "{\"from_peer_id\":\"a\",\"offer_id\":"
		     "\"a_c_1764000000000\",\"sdp\":\"s\",\"type\":"
		     "\"offer\"}}\n") DONE("to_peer_id", "\"c\"") },
	{ M("peer.answer", "{\"from\":\"a\",\"to\":\"b\",\"sdp\":\"s\"}"),
	  "b: " NOTE("peer.answer", "{\"from\":\"a\",\"to\":\"b\",\"sdp\":"
		     "\"s\",\"type\":\"answer\"}}\n")
	  DONE("to_peer_id", "\"b\"") },
	{ M("peer.ice_candidate", "{\"to\":\"b\",\"candidate\":\"c\","
	    "\"sdp_mid\":\"\",\"sdp_m_line_index\":3}"),
	  "b: " NOTE("peer.ice_candidate", "{\"from\":\"a\",\"to\":\"b\","
		     "\"candidate\":\"c\",\"sdp_mid\":\"\","
		     "\"sdp_m_line_index\":3}}\n")
	  DONE("to_peer_id", "\"b\"") },
	{ M("peer.ice_candidate", "{\"to\":\"c\",\"candidate\":\"\"}"),
	  "c: " NOTE("ice_candidate", "{\"from_peer_id\":\"a\","
		     "\"candidate\":\"\",\"sdp_mid\":null,"
		     "\"sdp_mline_index\":null}}\n")
	  DONE("to_peer_id", "\"c\"") },
	/* The name of the other dialect is an unknown member. */
	{ M("peer.ice_candidate", "{\"to\":\"b\",\"candidate\":\"c\","
	    "\"sdp_mline_index\":3}"),
	  "b: " NOTE("peer.ice_candidate", "{\"from\":\"a\",\"to\":\"b\","
		     "\"candidate\":\"c\",\"sdp_mid\":null,"
		     "\"sdp_m_line_index\":null}}\n")
	  DONE("to_peer_id", "\"b\"") },
	{ M("peer.disconnect", "{\"peer_id\":\"b\",\"reason\":\"bye\"}"),
	  "b: " NOTE("peer.disconnected", "{\"peer_id\":\"a\",\"reason\":"
		     "\"bye\"}}\n") DONE("peer_id", "\"b\"") },
	{ M("peer.disconnect", "{\"peer_id\":\"b\"}"),
	  "b: " NOTE("peer.disconnected", "{\"peer_id\":\"a\",\"reason\":"
		     "null}}\n") DONE("peer_id", "\"b\"") },
	{ M("peer.disconnect", "{\"peer_id\":\"c\",\"reason\":\"bye\"}"),
	  "c: " NOTE("peer_disconnected", "{\"peer_id\":\"a\",\"reason\":"
		     "\"bye\"}}\n") DONE("peer_id", "\"c\"") },
	{ M("peer.disconnect", "{\"peer_id\":\"x\"}"),
	  DONE("peer_id", "\"x\"") },
	{ M("peer.disconnect", "{\"peer_id\":" SERVER "}"),
	  DONE("peer_id", SERVER) },
	{ M("peer.list", "{}"), OK1 "{\"peers\":["
	  LISTED_B("a", "[\"audio\"]") "," LISTED_B("b", "[\"audio\"]") ","
	  LISTED_B("c", "{}") "],\"count\":3}}\n" },
	{ M("list_peers", "{}"), OK1 "{\"peers\":["
	  LISTED_B("a", "[\"audio\"]") "," LISTED_B("b", "[\"audio\"]") ","
	  LISTED_B("c", "{}") "],\"count\":3}}\n" },
	/* Methods of dialect A are there as well. */
	{ M("answer", "[\"b\",\"s\"]"),
	  "b: " NOTE("peer.answer", "{\"from\":\"a\",\"to\":\"b\",\"sdp\":"
		     "\"s\",\"type\":\"answer\"}}\n")
	  OK1 "{\"to_peer_id\":\"b\"}}\n" },
	{ M("nope", "{}"),
	  ERR2("-32601", "Unknown method: nope", "no such method") },
	{ M("peer.offer", "{\"to\":\"x\",\"sdp\":\"s\"}"), NOBODY },
	{ M("peer.answer", "{\"to\":\"x\",\"sdp\":\"s\"}"), NOBODY },
	{ M("peer.ice_candidate", "{\"to\":\"x\",\"candidate\":\"s\"}"),
	  NOBODY },
	{ M("peer.offer", "{}"), ERR2("-32602", PAR, "to is missing") },
	{ M("peer.offer", "[\"b\",\"s\"]"),
	  ERR2("-32602", PAR, "to is missing") },
	{ M("peer.offer", "{\"to\":\"b\"}"),
	  ERR2("-32602", PAR, "sdp is missing") },
	{ M("peer.offer", "{\"to\":1,\"sdp\":\"s\"}"),
	  ERR2("-32602", PAR, "to is not a string") },
	{ M("peer.offer", "{\"to\":\"b\",\"sdp\":\"a\\u0000b\"}"),
	  ERR2("-32602", PAR, "sdp holds a NUL") },
	{ M("peer.answer", "{\"to\":\"b\",\"sdp\":\"\"}"),
	  ERR2("-32602", PAR, "sdp is empty") },
	{ M("peer.ice_candidate", "{\"to\":\"b\"}"),
	  ERR2("-32602", PAR, "candidate is missing") },
	{ M("peer.ice_candidate", "{\"to\":\"b\",\"candidate\":\"c\","
	    "\"sdp_m_line_index\":1.5}"),
	  ERR2("-32602", PAR, "sdp_m_line_index is not 0 to 65535") },
	{ M("peer.disconnect", "{}"),
	  ERR2("-32602", PAR, "peer_id is missing") },
	{ M("peer.disconnect", "{\"peer_id\":\"b\",\"reason\":1}"),
	  ERR2("-32602", PAR, "reason is not a string") },
	{ M("peer.offer", "{\"to\":" SERVER ",\"sdp\":\"x\"}"),
	  ERR2("-32002", SDP_BAD, "the SDP does not begin with v=0") },
	{ M("peer.offer", "{\"to\":" SERVER ",\"sdp\":\"v=0\"}"),
	  ERR2("-32002", SDP_BAD, "the SDP has no m-line") },
	{ M("peer.answer", "{\"to\":" SERVER ",\"sdp\":\"v=0\"}"),
	  ERR2("-32025", "Wrong state",
	       "remotemedia-server has made no offer") },
	{ M("peer.ice_candidate", "{\"to\":" SERVER ",\"candidate\":\"c\"}"),
	  ERR2("-32004", "Candidate refused",
	       "the component is not 1 to 256") },
	{ M("peer.ice_candidate", "{\"to\":" SERVER ",\"candidate\":"
	    LINE ",\"sdp_mid\":\"a b\"}"),
	  ERR2("-32004", "Candidate refused",
	       "not one candidate line and one mid") },
	{ M("peer.ice_candidate", "{\"to\":" SERVER ",\"candidate\":"
	    LINE "}"),
	  DONE("to_peer_id", SERVER) },
	/* The browser sample of upstream's INTEGRATION.md. */
	{ M("offer", "{\"sdp\":\"v=0 m=\",\"type\":\"offer\"}"),
	  ERR2("-32602", PAR, "to_peer_id is missing") },
	{ M("control.subscribe", "{\"topic\":\"n.out\"}"),
	  ERR2("-32602", "The peer has no ServerPeer yet: offer to "
	       "remotemedia-server first", "its offer is not answered "
	       "yet") },
};

START_TEST(a_member_is_answered_as_the_table_says)
{
	begin();
	announce_b("ab");
	announce("c");
	say('a', members[_i].in);
	expect(members[_i].out);
	end();
}
END_TEST

START_TEST(each_hears_of_the_others_in_its_own_words)
{
	begin();
	announce_b("a");
	announce("b");
	say('c', M("peer.announce", "{\"peer_id\":\"c\",\"capabilities\":"
		   "[1],\"user_data\":{\"n\":\"x\"}}"));
	expect("c: " ID1 ",\"result\":{\"success\":true,\"peer_id\":\"c\","
	       "\"peers_count\":3,\"other_peers\":[\"a\",\"b\"]"
	       ANNOUNCED("false", "null")
	       "a: " NOTE("peer.joined", "{\"peer_id\":\"c\","
			  "\"capabilities\":[1],\"metadata\":{\"n\":\"x\"}}"
			  "}\n")
	       "b: " NOTE("peer_joined", "{\"peer_id\":\"c\","
			  "\"capabilities\":[1],\"metadata\":{\"n\":\"x\"}}"
			  "}\n"));
	rpc_free(conns[2], true, mono_at(0));
	conns[2] = NULL;
	expect("a: " NOTE("peer.left", "{\"peer_id\":\"c\"}}\n")
	       "b: " NOTE("peer_left", "{\"peer_id\":\"c\"}}\n"));
	say('b', M("offer", "{\"to_peer_id\":\"a\",\"sdp\":\"s\",\"type\":"
		   "\"t\"}"));
	expect("a: " NOTE("peer.offer", "{\"from\":\"b\",\"to\":\"a\","
			  "\"offer_id\":\"b_a_1764000000000\",\"sdp\":\"s\","
			  "\"type\":\"t\"}}\n")
	       "b: " ID1 ",\"result\":{\"offer_id\":\"b_a_1764000000000\","
	       "\"to_peer_id\":\"a\"}}\n");
	say('b', M("announce", "{\"peer_id\":\"a\"}"));
	heard[0] = '\0';
	end();
}
END_TEST

#define OFFER_B(id) V ",\"id\":" id ",\"method\":\"peer.offer\",\"params\":{" \
	"\"to\":" SERVER ",\"sdp\":\"v=0 m=\"}}"
#define ANSWER_B(id) V ",\"id\":" id ",\"result\":{\"type\":\"answer\","      \
	"\"sdp\":\"A\",\"from\":" SERVER ",\"to\":\"a\"}}"

static void answered(void)
{
	calls_on_local(world.calls, last_call, DESCRIPTION_ANSWER, "A", 0);
}

START_TEST(the_result_of_an_offer_to_the_server_is_its_answer)
{
	begin();
	announce_b("a");
	say('a', OFFER_B("\"2\""));
	expect("broker: open\nbroker: offer\n");
	/* Candidates that are faster wait behind the result. */
	calls_on_trickle(world.calls, last_call, "0 0 cand");
	say('a', OFFER_B("3"));
	expect("a: " V ",\"id\":3,\"error\":{\"code\":-32025,\"message\":"
	       "\"Wrong state\",\"data\":{\"reason\":\"the last offer is not "
	       "answered yet\"}}}\n");
	answered();
	calls_on_trickle(world.calls, last_call, "- - ");
	calls_on_state(world.calls, last_call, CALL_CONNECTED, 42);
	expect("a: " ANSWER_B("\"2\"") "\n"
	       "a: " NOTE("peer.ice_candidate", "{\"from\":" SERVER ",\"to\":"
			  "\"a\",\"candidate\":\"cand\",\"sdp_mid\":\"0\","
			  "\"sdp_m_line_index\":0}}\n")
	       "a: " NOTE("peer.ice_candidate", "{\"from\":" SERVER ",\"to\":"
			  "\"a\",\"candidate\":\"\",\"sdp_mid\":null,"
			  "\"sdp_m_line_index\":null}}\n")
	       "a: " NOTE("peer.state_change", "{\"peer_id\":\"a\","
			  "\"connection_state\":\"connected\","
			  "\"timestamp\":42}}\n"));
	calls_on_gone(world.calls, last_call, WHY_BAD_CANDIDATE, false, "r");
	calls_on_local(world.calls, last_call, DESCRIPTION_OFFER, "O", 43);
	expect("a: " NOTE("peer.error", "{\"peer_id\":" SERVER ",\"code\":"
			  "-32004,\"message\":\"Candidate refused\","
			  "\"reason\":\"r\"}}\n")
	       "a: " NOTE("peer.offer", "{\"from\":" SERVER ",\"to\":\"a\","
			  "\"offer_id\":\"remotemedia-server_a_43\",\"sdp\":"
			  "\"O\",\"type\":\"offer\"}}\n"));
	say('a', M("peer.answer", "{\"to\":" SERVER ",\"sdp\":\"v=0\"}"));
	expect("broker: answer\n" DONE("to_peer_id", SERVER));
	calls_on_gone(world.calls, last_call, WHY_LOST, true, "");
	expect("a: " NOTE("peer.disconnected", "{\"peer_id\":" SERVER
			  ",\"reason\":\"lost\"}}\n"));
	end();
}
END_TEST

START_TEST(an_offer_without_id_is_answered_by_a_notification)
{
	begin();
	announce_b("a");
	say('a', V ",\"method\":\"peer.offer\",\"params\":{\"to\":" SERVER
	    ",\"sdp\":\"v=0 m=\"}}");
	heard[0] = '\0';
	answered();
	expect("a: " NOTE("peer.answer", "{\"from\":" SERVER ",\"to\":\"a\","
			  "\"sdp\":\"A\",\"type\":\"answer\"}}\n"));
	end();
}
END_TEST

START_TEST(a_refused_offer_has_the_codes_of_its_dialect)
{
	static const struct {
		enum call_why why;
		const char *code;
	} t[] = {
		{ WHY_BAD_SDP, "-32002" }, { WHY_FULL, "-32021" },
		{ WHY_WRONG_STATE, "-32025" }, { WHY_CRASHED, "-32603" },
	};
	char want[64];

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		begin();
		announce_b("a");
		say('a', OFFER_B("\"x\""));
		heard[0] = '\0';
		calls_on_gone(world.calls, last_call, t[i].why, false, "Why");
		snprintf(want, sizeof(want), "\"id\":\"x\",\"error\":"
			 "{\"code\":%s,", t[i].code);
		ck_assert_ptr_nonnull(strstr(heard, want));
		ck_assert_ptr_nonnull(strstr(heard, "{\"reason\":\"Why\""));
		end();
	}
}
END_TEST

START_TEST(a_batch_waits_for_its_answer)
{
	begin();
	announce_b("a");
	say('a', "[" OFFER_B("1") "," V ",\"id\":2,\"method\":\"x\"}]");
	expect("broker: open\nbroker: offer\n");
	calls_on_trickle(world.calls, last_call, "0 0 cand");
	answered();
	ck_assert_ptr_eq(strstr(heard, "a: [" V ",\"id\":2,\"error\":"),
			 heard);
	ck_assert_ptr_nonnull(strstr(heard, "," ANSWER_B("1") "]\na: "));
	say('a', "[" OFFER_B("1") "]");
	end();
}
END_TEST

/* Resume */

#define ANN(name, token) M("announce", "{\"peer_id\":\"" name                 \
			   "\",\"resume_token\":\"" token "\"}")
#define ANN_B(name, token) M("peer.announce", "{\"peer_id\":\"" name          \
			     "\",\"resume_token\":\"" token "\"}")
#define AB "abababababababababababababababab"

START_TEST(a_lost_connection_comes_back_to_its_call)
{
	begin();
	announce("ab");
	say('a', M("offer", "{\"to_peer_id\":" SERVER ",\"sdp\":\"v=0 m=\"}"));
	answered();
	heard[0] = '\0';
	lose('a', 0);
	expect("");	/* b hears nothing, the call goes on */
	calls_on_trickle(world.calls, last_call, "0 0 cand");
	say('b', M("offer", "[\"a\",\"s\"]"));
	ck_assert_int_eq(count("b: " ID1 ",\"result\""), 1);
	heard[0] = '\0';
	say('a', ANN("a", "wrong"));
	expect(ERR("1", "-32000", "Peer id already taken", "another peer has "
		   "this id; to come back to it announce its resume_token"));
	say('a', ANN_B("a", "wrong"));
	expect(ERR2("-32602", "Peer already announced: a", "another peer has "
		    "this id; to come back to it announce its "
		    "resume_token"));
	say('a', ANN("a", AB));
	expect(OK1 "{\"peer_id\":\"a\",\"peers_count\":3,\"other_peers\":["
	       SERVER ",\"b\"]" ANNOUNCED("true", "null")
	       "a: " NOTE("ice_candidate", "{\"from_peer_id\":" SERVER
			  ",\"candidate\":\"cand\",\"sdp_mid\":\"0\","
			  "\"sdp_mline_index\":0}}\n")
	       "a: " NOTE("offer", "{\"from_peer_id\":\"b\",\"offer_id\":"
			  "\"b_a_1764000000000\",\"sdp\":\"s\",\"type\":"
			  "\"offer\"}}\n"));
	calls_on_state(world.calls, last_call, CALL_CONNECTED, 1);
	ck_assert_int_eq(count("a: " V ",\"method\":\"peer_state_change\""),
			 1);
	end();
}
END_TEST

START_TEST(a_peer_may_come_back_in_the_other_dialect)
{
	begin();
	announce_b("a");
	say('a', OFFER_B("1"));
	heard[0] = '\0';
	lose('a', 0);
	/* Answered while it was away: its request is gone, the answer is
	 * not. */
	answered();
	expect("");
	say('a', ANN("a", AB));
	expect(OK1 "{\"peer_id\":\"a\",\"peers_count\":2,\"other_peers\":["
	       SERVER "]" ANNOUNCED("true", "null")
	       "a: " NOTE("answer", "{\"from_peer_id\":" SERVER ",\"sdp\":"
			  "\"A\",\"type\":\"answer\"}}\n"));
	lose('a', 0);
	say('a', ANN_B("a", AB));
	say('a', OFFER_B("1"));
	lose('a', 0);
	heard[0] = '\0';
	calls_on_gone(world.calls, last_call, WHY_BAD_SDP, false, "no");
	say('a', ANN_B("a", AB));
	/* One that was refused meanwhile is told as well. */
	ck_assert_int_eq(count("\"peer.error\",\"params\":{\"peer_id\":" SERVER
			       ",\"code\":-32002"), 1);
	end();
}
END_TEST

START_TEST(the_newest_wins_and_the_old_one_is_told)
{
	begin();
	announce("a");
	say('a', M("offer", "{\"to_peer_id\":" SERVER ",\"sdp\":\"v=0 m=\"}"));
	heard[0] = '\0';
	say('b', ANN_B("a", AB));
	ck_assert_ptr_eq(strstr(heard, "a: " ID1 ",\"error\":{\"code\":-32025"
				",\"message\":\"Wrong state\",\"data\":{"
				"\"reason\":\"this peer id was resumed by "
				"another connection\"}}}\nclose: 4001 resumed "
				"by another connection\nb: " ID1
				",\"result\":{\"success\":true"), heard);
	heard[0] = '\0';
	answered();
	expect("b: " NOTE("peer.answer", "{\"from\":" SERVER ",\"to\":\"a\","
			  "\"sdp\":\"A\",\"type\":\"answer\"}}\n"));
	/* The end of the old connection is nobody's. */
	lose('a', 0);
	expect("");
	ck_assert_uint_eq(hub_held(world.hub), 0);
	end();
	expect("broker: close\n");
}
END_TEST

START_TEST(a_minute_later_the_peer_has_left)
{
	begin();
	announce("a");
	announce_b("b");
	say('a', M("offer", "{\"to_peer_id\":" SERVER ",\"sdp\":\"v=0 m=\"}"));
	answered();
	heard[0] = '\0';
	lose('a', 1000000);
	say('b', M("peer.list", "{}"));
	ck_assert_int_eq(count("\"state\":\"away\""), 1);
	heard[0] = '\0';
	hub_tick(world.hub, mono_at(60999999));
	expect("");
	hub_tick(world.hub, mono_at(61000000));
	expect("broker: close\nb: " NOTE("peer.left",
					 "{\"peer_id\":\"a\"}}\n"));
	say('a', ANN("a", AB));
	ck_assert_int_eq(count("\"resumed\":false"), 1);
	ck_assert_int_eq(count("\"peer.joined\""), 1);
	end();
}
END_TEST

START_TEST(a_sender_hears_that_a_lost_peer_has_no_room)
{
	const char *candidate =
		M("ice_candidate", "{\"to_peer_id\":\"a\",\"candidate\":\"\"}");

	begin();
	announce("ab");
	lose('a', 0);
	for (int i = 0; i < HUB_HELD_EVENTS; i++)
		rpc_message(conns[1], candidate, strlen(candidate),
			    mono_at(i * 100000));
	ck_assert_int_eq(count("error"), 0);
	rpc_message(conns[1], candidate, strlen(candidate), mono_at(9000000));
	ck_assert_int_eq(count("b: " ID1 ",\"error\":{\"code\":-32021"), 1);
	heard[0] = '\0';
	say('a', ANN("a", AB));
	ck_assert_int_eq(count("\"ice_candidate\""), HUB_HELD_EVENTS);
	end();
}
END_TEST

/* Where a token is needed. */
START_TEST(a_stranger_without_a_token_learns_nothing)
{
	struct sig_options o = {
		.auth_secret = "0123456789abcdef0123456789abcdef" };
	static const char *const methods[] = {
		"list_peers", "peer.list", "announce", "peer.announce" };
	char error[SIG_ERROR], text[160];

	begin();
	announce("b");
	ck_assert_int_eq(auth_new(&world.auth, &o, error, sizeof(error)), 0);
	lose('a', 0);	/* a connection that began after the key was set */
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		snprintf(text, sizeof(text), M("%s", "{\"peer_id\":\"a\"}"),
			 methods[i]);
		say('a', text);
	}
	ck_assert_int_eq(count("a: " ID1 ",\"error\":{\"code\":-32020,"
			       "\"message\":\"Not authenticated\","), 4);
	ck_assert_int_eq(count("\"b\""), 0);
	say('a', M("announce", "{\"peer_id\":\"a\",\"token\":\"a.b.c\"}"));
	ck_assert_int_eq(count("-32020"), 5);
	say('a', M("server.info", "{}"));
	ck_assert_int_eq(count("\"ice_servers\":[],\"auth_required\":true"),
			 1);
	end();
	auth_free(world.auth);
}
END_TEST

/* control.* */

static void in_a_call(void)
{
	announce_b("a");
	say('a', OFFER_B("1"));
	answered();
	heard[0] = '\0';
}

#define CONTROL(name, params) "control: {\"method\":\"control." name          \
	"\",\"params\":" params "}\n"
#define OUT_FORM "topic is not of the form node.out or node.out.port"
#define IN_FORM "topic is not of the form node.in or node.in.port"
#define STATE_FORM "state is not enabled, bypass or disabled"
#define PAYLOAD_FORM "payload is neither string, object nor array"

static const struct {
	const char *in, *out;
} controls[] = {
	{ M("control.subscribe", "{\"topic\":\"vad.out\"}"),
	  CONTROL("subscribe", "{\"topic\":\"vad.out\",\"include_audio\":"
		  "false}") },
	{ M("control.subscribe", "{\"topic\":\"vad.out.text\","
	    "\"include_audio\":true}"),
	  CONTROL("subscribe", "{\"topic\":\"vad.out.text\","
		  "\"include_audio\":true}") },
	{ M("control.subscribe", "{\"topic\":\"__system__.out\"}"),
	  CONTROL("subscribe", "{\"topic\":\"__system__.out\","
		  "\"include_audio\":false}") },
	{ M("control.unsubscribe", "{\"topic\":\"a.out\"}"),
	  CONTROL("unsubscribe", "{\"topic\":\"a.out\"}") },
	{ M("control.publish", "{\"topic\":\"n.in\",\"payload\":\"x\"}"),
	  CONTROL("publish", "{\"topic\":\"n.in\",\"payload\":\"x\"}") },
	{ M("control.publish", "{\"topic\":\"n.in.barge_in\",\"payload\":"
	    "{\"text\":\"\xc3\xa9\"}}"),
	  CONTROL("publish", "{\"topic\":\"n.in.barge_in\",\"payload\":"
		  "{\"text\":\"\xc3\xa9\"}}") },
	{ M("control.publish", "{\"topic\":\"n.in\",\"payload\":[1,2]}"),
	  CONTROL("publish", "{\"topic\":\"n.in\",\"payload\":[1,2]}") },
	{ M("control.set_node_state", "{\"node_id\":\"n\",\"state\":"
	    "\"Bypass\"}"),
	  CONTROL("set_node_state", "{\"node_id\":\"n\",\"state\":"
		  "\"bypass\"}") },
	{ M("control.set_node_state", "{\"node_id\":\"n\",\"state\":"
	    "\"enabled\"}"),
	  CONTROL("set_node_state", "{\"node_id\":\"n\",\"state\":"
		  "\"enabled\"}") },
	{ M("control.flush_audio", "{}"), CONTROL("flush_audio", "{}") },
	{ ID1 ",\"method\":\"control.flush_audio\"}",
	  CONTROL("flush_audio", "{}") },
	{ M("control.subscribe", "{}"),
	  ERR2("-32602", PAR, "topic is missing") },
	{ M("control.subscribe", "{\"topic\":7}"),
	  ERR2("-32602", PAR, "topic is not a string") },
	{ M("control.subscribe", "{\"topic\":\"vad\"}"),
	  ERR2("-32602", PAR, OUT_FORM) },
	{ M("control.subscribe", "{\"topic\":\"vad.in\"}"),
	  ERR2("-32602", PAR, OUT_FORM) },
	{ M("control.subscribe", "{\"topic\":\".out\"}"),
	  ERR2("-32602", PAR, OUT_FORM) },
	{ M("control.subscribe", "{\"topic\":\"vad.out.\"}"),
	  ERR2("-32602", PAR, OUT_FORM) },
	{ M("control.subscribe", "{\"topic\":\"vad.outer\"}"),
	  ERR2("-32602", PAR, OUT_FORM) },
	{ M("control.subscribe", "{\"topic\":\"a.out.b.c\"}"),
	  ERR2("-32602", PAR, OUT_FORM) },
	{ M("control.subscribe", "{\"topic\":\"a.o\"}"),
	  ERR2("-32602", PAR, OUT_FORM) },
	{ M("control.subscribe", "{\"topic\":\"a.\"}"),
	  ERR2("-32602", PAR, OUT_FORM) },
	{ M("control.subscribe", "{\"topic\":\"a.out\",\"include_audio\":"
	    "1}"), ERR2("-32602", PAR, "include_audio is not true or "
			"false") },
	{ M("control.publish", "{\"topic\":\"a.out\",\"payload\":\"\"}"),
	  ERR2("-32602", PAR, IN_FORM) },
	{ M("control.publish", "{\"topic\":\"a.in\"}"),
	  ERR2("-32602", PAR, "payload is missing") },
	{ M("control.publish", "{\"topic\":\"a.in\",\"payload\":5}"),
	  ERR2("-32602", PAR, PAYLOAD_FORM) },
	{ M("control.publish", "{\"topic\":\"a.in\",\"payload\":null}"),
	  ERR2("-32602", PAR, PAYLOAD_FORM) },
	{ M("control.set_node_state", "{\"state\":\"bypass\"}"),
	  ERR2("-32602", PAR, "node_id is missing") },
	{ M("control.set_node_state", "{\"node_id\":\"n\"}"),
	  ERR2("-32602", PAR, "state is missing") },
	{ M("control.set_node_state", "{\"node_id\":\"n\",\"state\":"
	    "\"BYPASS\"}"), ERR2("-32602", PAR, STATE_FORM) },
};

START_TEST(a_control_request_goes_to_the_broker_as_the_table_says)
{
	begin();
	in_a_call();
	say('a', controls[_i].in);
	expect(controls[_i].out);
	end();
}
END_TEST

static const struct {
	enum control_error error;
	const char *text, *out;
} replies[] = {
	{ CONTROL_OK, "{\"subscribed\":true}",
	  OK1 "{\"subscribed\":true}}\n" },
	{ CONTROL_OK, "no json",
	  ERR2("-32602", "Control refused", "no json") },
	{ CONTROL_NO_CALL, "", ERR2("-32602", "The peer has no ServerPeer "
		"yet: offer to remotemedia-server first",
		"the pipeline gave no reason") },
	{ CONTROL_NOT_SUPPORTED, "no taps",
	  ERR2("-32602", "Not supported by this pipeline", "no taps") },
	{ CONTROL_INVALID, "why",
	  ERR2("-32602", "Control refused", "why") },
	{ CONTROL_BUSY, "wait", OK1_ERROR "{\"code\":-32021,\"message\":"
	  "\"Over capacity, retry later\",\"data\":{\"reason\":\"wait\","
	  "\"retry_after_ms\":1000}}}\n" },
};

START_TEST(the_brokers_reply_is_the_answer)
{
	begin();
	in_a_call();
	say('a', M("control.flush_audio", "{}"));
	heard[0] = '\0';
	rpc_on_control(&world, last_control + 1, CONTROL_OK, "{}");
	expect("");
	rpc_on_control(&world, last_control, replies[_i].error,
		       replies[_i].text);
	expect(replies[_i].out);
	rpc_on_control(&world, last_control, CONTROL_OK, "{}");
	expect("");
	end();
}
END_TEST

START_TEST(a_control_request_does_not_wait_for_ever)
{
	begin();
	in_a_call();
	say('a', "[" M("control.flush_audio", "{}") "," V
	    ",\"id\":2,\"method\":\"control.flush_audio\"}]");
	heard[0] = '\0';
	rpc_tick(&world, mono_at(4999999));
	expect("");
	rpc_on_control(&world, last_control, CONTROL_OK, "{}");
	expect("");
	rpc_tick(&world, mono_at(5000000));
	expect("a: [" V ",\"id\":2,\"result\":{}}," ID1 ",\"error\":{\"code\":"
	       "-32021,\"message\":\"Over capacity, retry later\",\"data\":{"
	       "\"reason\":\"the media side is restarting\","
	       "\"retry_after_ms\":1000}}}]\n");
	ck_assert_uint_eq(world.controls_len, 0);
	broker_err = -ENOTCONN;
	say('a', M("control.flush_audio", "{}"));
	ck_assert_int_eq(count("-32021"), 1);
	ck_assert_uint_eq(world.controls_len, 0);
	end();
}
END_TEST

START_TEST(sixteen_control_requests_wait_at_once)
{
	begin();
	in_a_call();
	for (int i = 0; i < 17; i++)
		say('a', M("control.flush_audio", "{}"));
	ck_assert_int_eq(count("control: "), 16);
	ck_assert_int_eq(count("-32021"), 1);
	ck_assert_uint_eq(world.controls_len, 16);
	/* A batch of them that is left behind is freed with its connection. */
	lose('a', 0);
	ck_assert_uint_eq(world.controls_len, 0);
	rpc_on_control(&world, last_control, CONTROL_OK, "{}");
	say('a', ANN_B("a", AB));
	say('a', "[" M("control.flush_audio", "{}") ","
	    M("control.flush_audio", "{}") "," OFFER_B("1") "]");
	end();
}
END_TEST

START_TEST(a_large_control_request_is_refused)
{
	char *text = malloc(20000), *big = calloc(1, 16400);

	memset(big, 'x', 16399);
	snprintf(text, 20000, M("control.publish", "{\"topic\":\"a.in\","
				"\"payload\":\"%s\"}"), big);
	begin();
	in_a_call();
	say('a', text);
	expect(ERR2("-32024", "Message too large or too deep",
		    "a control request over 16384 bytes"));
	memset(big, 0, 16400);
	memset(big, 'n', 257);
	snprintf(text, 20000, M("control.set_node_state", "{\"node_id\":"
				"\"%s\",\"state\":\"bypass\"}"), big);
	say('a', text);
	expect(ERR2("-32602", PAR, "node_id is over 256 bytes"));
	end();
	free(text);
	free(big);
}
END_TEST

/*
 * The examples of the specification (section 7), with methods of ours in
 * place of subtract, sum and get_data; update, foobar and notify_* stay.
 */
#define LIST1 "\"result\":{\"peers\":[],\"count\":0}"
#define UNKNOWN(name) "\"error\":{\"code\":-32601,\"message\":"               \
	"\"" name "\",\"data\":{\"reason\":\"no such method\"}}"
#define INVALID(reason) V ",\"id\":null,\"error\":{\"code\":-32600,"          \
	"\"message\":\"Invalid Request\",\"data\":{\"reason\":\"" reason      \
	"\"}}}"
static const struct {
	const char *in, *out;
} examples[] = {
	/* positional parameters */
	{ "{\"jsonrpc\": \"2.0\", \"method\": \"peer.list\", \"params\": "
	  "[42, 23], \"id\": 1}", "a: " ID1 "," LIST1 "}\n" },
	{ "{\"jsonrpc\": \"2.0\", \"method\": \"peer.list\", \"params\": "
	  "[23, 42], \"id\": 2}", "a: " V ",\"id\":2," LIST1 "}\n" },
	/* named parameters */
	{ "{\"jsonrpc\": \"2.0\", \"method\": \"peer.list\", \"params\": "
	  "{\"subtrahend\": 23, \"minuend\": 42}, \"id\": 3}",
	  "a: " V ",\"id\":3," LIST1 "}\n" },
	{ "{\"jsonrpc\": \"2.0\", \"method\": \"peer.list\", \"params\": "
	  "{\"minuend\": 42, \"subtrahend\": 23}, \"id\": 4}",
	  "a: " V ",\"id\":4," LIST1 "}\n" },
	/* notifications */
	{ "{\"jsonrpc\": \"2.0\", \"method\": \"update\", \"params\": "
	  "[1,2,3,4,5]}", "" },
	{ "{\"jsonrpc\": \"2.0\", \"method\": \"foobar\"}", "" },
	/* a method that does not exist */
	{ "{\"jsonrpc\": \"2.0\", \"method\": \"foobar\", \"id\": \"1\"}",
	  "a: " V ",\"id\":\"1\"," UNKNOWN("Method not found: foobar")
	  "}\n" },
	/* invalid requests */
	{ "{\"jsonrpc\": \"2.0\", \"method\": 1, \"params\": \"bar\"}",
	  "a: " INVALID("method is missing") "\n" },
	{ "[]", "a: " INVALID("an empty batch") "\n" },
	{ "[1]", "a: [" INVALID("not an object") "]\n" },
	{ "[1,2,3]", "a: [" INVALID("not an object") ","
	  INVALID("not an object") "," INVALID("not an object") "]\n" },
	/* a batch */
	{ "[{\"jsonrpc\": \"2.0\", \"method\": \"peer.list\", \"params\": "
	  "[1,2,4], \"id\": \"1\"},"
	  "{\"jsonrpc\": \"2.0\", \"method\": \"notify_hello\", \"params\": "
	  "[7]},"
	  "{\"jsonrpc\": \"2.0\", \"method\": \"peer.list\", \"params\": "
	  "[42,23], \"id\": \"2\"},"
	  "{\"foo\": \"boo\"},"
	  "{\"jsonrpc\": \"2.0\", \"method\": \"foo.get\", \"params\": "
	  "{\"name\": \"myself\"}, \"id\": \"5\"},"
	  "{\"jsonrpc\": \"2.0\", \"method\": \"peer.list\", \"id\": \"9\"}]",
	  "a: [" V ",\"id\":\"1\"," LIST1 "}," V ",\"id\":\"2\"," LIST1 "},"
	  INVALID("jsonrpc is not \\\"2.0\\\"") "," V ",\"id\":\"5\","
	  UNKNOWN("Unknown method: foo.get") "}," V ",\"id\":\"9\"," LIST1
	  "}]\n" },
	/* all notifications */
	{ "[{\"jsonrpc\": \"2.0\", \"method\": \"notify_sum\", \"params\": "
	  "[1,2,4]},{\"jsonrpc\": \"2.0\", \"method\": \"notify_hello\", "
	  "\"params\": [7]}]", "" },
};

START_TEST(the_specifications_examples_are_answered)
{
	begin();
	say('a', examples[_i].in);
	expect(examples[_i].out);
	end();
}
END_TEST

static const char *const no_json[] = {
	"{\"jsonrpc\": \"2.0\", \"method\": \"foobar, \"params\": \"bar\", "
	"\"baz]",
	"[{\"jsonrpc\": \"2.0\", \"method\": \"sum\", \"params\": [1,2,4], "
	"\"id\": \"1\"},{\"jsonrpc\": \"2.0\", \"method\"]",
};

START_TEST(the_specifications_invalid_json_is_a_parse_error)
{
	static const char want[] =
		"a: " V ",\"id\":null,\"error\":{\"code\":-32700,\"message\":"
		"\"Parse error\",\"data\":{\"reason\":\"";

	begin();
	say('a', no_json[_i]);
	ck_assert_int_eq(strncmp(heard, want, sizeof(want) - 1), 0);
	ck_assert_int_eq(count("\n"), 1);
	end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("jsonrpc_b");
	TCase *b = tcase_create("dialect B"), *r = tcase_create("resume");
	TCase *c = tcase_create("control"), *e = tcase_create("examples");

	tcase_add_loop_test(b, a_stranger_is_answered_as_the_table_says, 0,
			    ARRAY_LEN(strangers));
	tcase_add_loop_test(b, a_member_is_answered_as_the_table_says, 0,
			    ARRAY_LEN(members));
	tcase_add_test(b, each_hears_of_the_others_in_its_own_words);
	tcase_add_test(b,
		       the_result_of_an_offer_to_the_server_is_its_answer);
	tcase_add_test(b, an_offer_without_id_is_answered_by_a_notification);
	tcase_add_test(b, a_refused_offer_has_the_codes_of_its_dialect);
	tcase_add_test(b, a_batch_waits_for_its_answer);
	tcase_add_test(r, a_lost_connection_comes_back_to_its_call);
	tcase_add_test(r, a_peer_may_come_back_in_the_other_dialect);
	tcase_add_test(r, the_newest_wins_and_the_old_one_is_told);
	tcase_add_test(r, a_minute_later_the_peer_has_left);
	tcase_add_test(r, a_sender_hears_that_a_lost_peer_has_no_room);
	tcase_add_test(r, a_stranger_without_a_token_learns_nothing);
	tcase_add_loop_test(
		c, a_control_request_goes_to_the_broker_as_the_table_says, 0,
		ARRAY_LEN(controls));
	tcase_add_loop_test(c, the_brokers_reply_is_the_answer, 0,
			    ARRAY_LEN(replies));
	tcase_add_test(c, a_control_request_does_not_wait_for_ever);
	tcase_add_test(c, sixteen_control_requests_wait_at_once);
	tcase_add_test(c, a_large_control_request_is_refused);
	tcase_add_loop_test(e, the_specifications_examples_are_answered, 0,
			    ARRAY_LEN(examples));
	tcase_add_loop_test(
		e, the_specifications_invalid_json_is_a_parse_error, 0,
		ARRAY_LEN(no_json));
	suite_add_tcase(s, b);
	suite_add_tcase(s, r);
	suite_add_tcase(s, c);
	suite_add_tcase(s, e);

	return suite_run(s);
}
