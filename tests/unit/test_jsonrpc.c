/* test_jsonrpc.c - envelopes, and dialect A: exact texts in and out */

#include "tests/unit/rpc_kit.h"

/* One message of a stranger (not announced), and all that comes back. */
static const struct {
	const char *in, *out;
} strangers[] = {
	{ ID1 ",\"method\":\"list_peers\"}", OK1 LIST0 },
	{ ID1 ",\"method\":\"list_peers\",\"params\":{}}", OK1 LIST0 },
	{ ID1 ",\"method\":\"list_peers\",\"params\":[]}", OK1 LIST0 },
	{ ID1 ",\"method\":\"list_peers\",\"params\":null}", OK1 LIST0 },
	{ ID1 ",\"method\":\"list_peers\",\"more\":[1]}", OK1 LIST0 },
	{ ID1 ",\"method\":\"list_\\u0070eers\"}", OK1 LIST0 },
	{ V ",\"method\":\"list_peers\",\"id\":1}", OK1 LIST0 },
	{ V ",\"method\":\"list_peers\"}", "" },
	{ V ",\"method\":\"nope\"}", "" },
	{ V ",\"method\":\"offer\"}", "" },
	{ V ",\"id\":1.0,\"method\":\"list_peers\"}",
	  "a: " V ",\"id\":1.0,\"result\":" LIST0 },
	{ V ",\"id\":-0,\"method\":\"list_peers\"}",
	  "a: " V ",\"id\":-0,\"result\":" LIST0 },
	{ V ",\"id\":1E400,\"method\":\"list_peers\"}",
	  "a: " V ",\"id\":1E400,\"result\":" LIST0 },
	{ V ",\"id\":123456789012345678901,\"method\":\"list_peers\"}",
	  "a: " V ",\"id\":123456789012345678901,\"result\":" LIST0 },
	{ V ",\"id\":\"\",\"method\":\"list_peers\"}",
	  "a: " V ",\"id\":\"\",\"result\":" LIST0 },
	{ V ",\"id\":\"n1\",\"method\":\"list_peers\"}",
	  "a: " V ",\"id\":\"n1\",\"result\":" LIST0 },
	{ V ",\"id\":\"a\\u0000b\",\"method\":\"list_peers\"}",
	  "a: " V ",\"id\":\"a\\u0000b\",\"result\":" LIST0 },
	{ V ",\"id\":null,\"method\":\"list_peers\"}",
	  "a: " V ",\"id\":null,\"result\":" LIST0 },
	{ ID1 ",\"method\":\"nope\"}",
	  ERR("1", "-32601", "Method not found: nope", "no such method") },
	{ ID1 ",\"method\":\"\"}",
	  ERR("1", "-32601", "Method not found: ", "no such method") },
	{ ID1 ",\"method\":\"peer\\n\\\"\"}",
	  ERR("1", "-32601", "Method not found: peer\\n\\\"",
	      "no such method") },
	{ ID1 "}", ERR("1", "-32600", REQ, "method is missing") },
	{ ID1 ",\"method\":null}",
	  ERR("1", "-32600", REQ, "method is missing") },
	{ ID1 ",\"method\":[]}",
	  ERR("1", "-32600", REQ, "method is missing") },
	{ V ",\"method\":5}", ERR("null", "-32600", REQ,
				  "method is missing") },
	{ ID1 ",\"method\":\"list_peers\",\"params\":true}",
	  ERR("1", "-32600", REQ, "params is neither object nor array") },
	{ V ",\"id\":{},\"method\":\"x\"}",
	  ERR("{}", "-32601", "Method not found: x", "no such method") },
	{ V ",\"id\":{\"b\":[1,\"\",null],\"a\":{}},\"method\":\"x\"}",
	  ERR("{\"b\":[1,\"\",null],\"a\":{}}", "-32601",
	      "Method not found: x", "no such method") },
	{ V ",\"id\":false,\"method\":\"x\"}",
	  ERR("false", "-32601", "Method not found: x", "no such method") },
	{ V ",\"id\":true,\"method\":5}",
	  ERR("true", "-32600", REQ, "method is missing") },
	{ "{\"jsonrpc\":\"2.1\",\"id\":1,\"method\":\"x\"}",
	  ERR("null", "-32600", REQ, "jsonrpc is not \\\"2.0\\\"") },
	{ "{\"jsonrpc\":2.0,\"id\":1,\"method\":\"x\"}",
	  ERR("null", "-32600", REQ, "jsonrpc is not \\\"2.0\\\"") },
	{ "{\"id\":1,\"method\":\"x\"}",
	  ERR("null", "-32600", REQ, "jsonrpc is not \\\"2.0\\\"") },
	{ "{}", ERR("null", "-32600", REQ, "jsonrpc is not \\\"2.0\\\"") },
	{ "1", ERR("null", "-32600", REQ, "not an object") },
	{ "\"x\"", ERR("null", "-32600", REQ, "not an object") },
	{ "null", ERR("null", "-32600", REQ, "not an object") },
	{ "[]", ERR("null", "-32600", REQ, "an empty batch") },
	{ "[1]", "a: [" V ",\"id\":null,\"error\":{\"code\":-32600,"
	  "\"message\":\"" REQ "\",\"data\":{\"reason\":\"not an object\""
	  "}}}]\n" },
	{ "[" V ",\"method\":\"x\"}," V ",\"method\":\"y\"}]", "" },
	{ "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
	  ERR("null", "-32600", REQ, "a batch of more than 16") },
	{ "[[" ID1 "}]]", "a: [" V ",\"id\":null,\"error\":{\"code\":-32600,"
	  "\"message\":\"" REQ "\",\"data\":{\"reason\":\"not an object\""
	  "}}}]\n" },
	{ "[[[[[[[[[[[[[[[[[",
	  ERR("null", "-32024", "Message too large or too deep",
	      "nested deeper than 16") },
	{ ID1 ",\"method\":\"announce\"}",
	  ERR("1", "-32602", PAR, "peer_id is missing") },
	{ ID1 ",\"method\":\"announce\",\"params\":{}}",
	  ERR("1", "-32602", PAR, "peer_id is missing") },
	{ ID1 ",\"method\":\"announce\",\"params\":[]}",
	  ERR("1", "-32602", PAR, "peer_id is missing") },
	{ ID1 ",\"method\":\"announce\",\"params\":{\"peer_id\":\"\"}}",
	  ERR("1", "-32602", PAR, "peer_id is empty") },
	{ ID1 ",\"method\":\"announce\",\"params\":{\"peer_id\":7}}",
	  ERR("1", "-32602", PAR, "peer_id is not a string") },
	{ ID1 ",\"method\":\"announce\",\"params\":{\"peer_id\":"
	  "\"a\\u0000\"}}", ERR("1", "-32602", PAR, "peer_id holds a NUL") },
	{ ID1 ",\"method\":\"announce\",\"params\":{\"peer_id\":\"\\u0007\"}}",
	  ERR("1", "-32602", PAR, "peer_id is not 1 to 128 bytes of text "
	      "without controls") },
	{ ID1 ",\"method\":\"announce\",\"params\":{\"peer_id\":\"x\","
	  "\"capabilities\":7}}", ERR("1", "-32602", PAR, "capabilities is "
					  "neither object nor array") },
	{ ID1 ",\"method\":\"announce\",\"params\":{\"peer_id\":" SERVER
	  "}}", ERR("1", "-32000", "Peer id already taken",
		    "this id is reserved") },
	{ ID1 ",\"method\":\"announce\",\"params\":{\"peer_id\":\"b\"}}",
	  OK1 "{\"peer_id\":\"b\",\"peers_count\":2,\"other_peers\":["
	  SERVER "]" ANNOUNCED("false", "null") },
	{ ID1 ",\"method\":\"offer\"}",
	  ERR("1", "-32000", "Not announced", "call announce first") },
	{ ID1 ",\"method\":\"answer\"}",
	  ERR("1", "-32000", "Not announced", "call announce first") },
	{ ID1 ",\"method\":\"ice_candidate\"}",
	  ERR("1", "-32000", "Not announced", "call announce first") },
	{ ID1 ",\"method\":\"disconnect\"}",
	  ERR("1", "-32000", "Not announced", "call announce first") },
};

START_TEST(a_stranger_is_answered_as_the_table_says)
{
	begin();
	say('a', strangers[_i].in);
	expect(strangers[_i].out);
	end();
}
END_TEST

/* The same for a, which is announced; b is too. */
static const struct {
	const char *in, *out;
} members[] = {
	{ M("announce", "{\"peer_id\":\"a\"}"),
	  ERR("1", "-32000", "Peer id already taken",
	      "this connection has announced it already") },
	{ M("announce", "{\"peer_id\":\"z\"}"),
	  ERR("1", "-32025", "Wrong state",
	      "this connection has announced another id") },
	{ M("offer", "{\"to_peer_id\":\"b\",\"sdp\":\"s\",\"type\":\"t\"}"),
	  "b: " V ",\"method\":\"offer\",\"params\":{\"from_peer_id\":\"a\","
	  "\"offer_id\":\"a_b_1764000000000\",\"sdp\":\"s\",\"type\":\"t\"}}\n"
	  OK1 "{\"offer_id\":\"a_b_1764000000000\",\"to_peer_id\":\"b\"}}\n" },
	{ M("offer", "[\"b\",\"s\"]"),
	  "b: " V ",\"method\":\"offer\",\"params\":{\"from_peer_id\":\"a\","
	  "\"offer_id\":\"a_b_1764000000000\",\"sdp\":\"s\",\"type\":"
	  "\"offer\"}}\n"
	  OK1 "{\"offer_id\":\"a_b_1764000000000\",\"to_peer_id\":\"b\"}}\n" },
	{ V ",\"method\":\"offer\",\"params\":[\"b\",\"s\"]}",
	  "b: " V ",\"method\":\"offer\",\"params\":{\"from_peer_id\":\"a\","
	  "\"offer_id\":\"a_b_1764000000000\",\"sdp\":\"s\",\"type\":"
	  "\"offer\"}}\n" },
	{ M("answer", "{\"to_peer_id\":\"b\",\"sdp\":\"s\"}"),
	  "b: " V ",\"method\":\"answer\",\"params\":{\"from_peer_id\":\"a\","
	  "\"sdp\":\"s\",\"type\":\"answer\"}}\n"
	  OK1 "{\"to_peer_id\":\"b\"}}\n" },
	{ M("ice_candidate", "{\"to_peer_id\":\"b\",\"candidate\":\"c\","
	    "\"sdp_mid\":\"0\",\"sdp_mline_index\":2}"),
	  "b: " V ",\"method\":\"ice_candidate\",\"params\":{"
	  "\"from_peer_id\":\"a\",\"candidate\":\"c\",\"sdp_mid\":\"0\","
	  "\"sdp_mline_index\":2}}\n" OK1 "{\"to_peer_id\":\"b\"}}\n" },
	{ M("ice_candidate", "{\"to_peer_id\":\"b\",\"candidate\":\"\","
	    "\"sdp_mid\":null}"),
	  "b: " V ",\"method\":\"ice_candidate\",\"params\":{"
	  "\"from_peer_id\":\"a\",\"candidate\":\"\",\"sdp_mid\":null,"
	  "\"sdp_mline_index\":null}}\n" OK1 "{\"to_peer_id\":\"b\"}}\n" },
	{ M("disconnect", "{\"peer_id\":\"b\"}"),
	  "b: " V ",\"method\":\"peer_disconnected\",\"params\":{"
	  "\"peer_id\":\"a\"}}\n" OK1 "{\"peer_id\":\"b\"}}\n" },
	{ M("disconnect", "{\"peer_id\":\"nobody\"}"),
	  OK1 "{\"peer_id\":\"nobody\"}}\n" },
	{ M("disconnect", "{\"peer_id\":" SERVER "}"),
	  OK1 "{\"peer_id\":" SERVER "}}\n" },
	{ M("list_peers", "{}"),
	  OK1 "{\"peers\":[{\"peer_id\":" SERVER ",\"capabilities\":"
	  "{\"audio\":true,\"video\":true,\"data\":true}," LISTED_SERVER
	  "},{\"peer_id\":\"b\",\"capabilities\":{}," LISTED
	  "}],\"count\":2}}\n" },
	{ M("offer", "{\"to_peer_id\":\"x\",\"sdp\":\"s\"}"),
	  ERR("1", "-32000", "Peer not found: x",
	      "no peer has announced that id") },
	{ M("answer", "{\"to_peer_id\":\"x\",\"sdp\":\"s\"}"),
	  ERR("1", "-32000", "Peer not found: x",
	      "no peer has announced that id") },
	{ M("ice_candidate", "{\"to_peer_id\":\"x\",\"candidate\":\"s\"}"),
	  ERR("1", "-32000", "Peer not found: x",
	      "no peer has announced that id") },
	{ M("offer", "{}"), ERR("1", "-32602", PAR, "to_peer_id is missing") },
	{ M("request_offer", "{}"),
	  ERR("1", "-32602", PAR, "to_peer_id is missing") },
	{ M("request_offer", "{\"to_peer_id\":\"b\"}"),
	  ERR("1", "-32602", PAR, "to_peer_id is not remotemedia-server") },
	{ M("request_offer", "{\"to_peer_id\":" SERVER ",\"audio\":1}"),
	  ERR("1", "-32602", PAR, "audio is not true or false") },
	{ M("request_offer", "[" SERVER ",false,false,false]"),
	  ERR("1", "-32602", PAR, "audio, video, data are all false") },
	{ M("offer", "{\"to_peer_id\":\"b\"}"),
	  ERR("1", "-32602", PAR, "sdp is missing") },
	{ M("offer", "{\"to_peer_id\":\"b\",\"sdp\":\"\"}"),
	  ERR("1", "-32602", PAR, "sdp is empty") },
	{ M("offer", "{\"to_peer_id\":\"b\",\"sdp\":{}}"),
	  ERR("1", "-32602", PAR, "sdp is not a string") },
	{ M("offer", "{\"to_peer_id\":\"b\",\"sdp\":\"s\",\"type\":1}"),
	  ERR("1", "-32602", PAR, "type is not a string") },
	{ M("answer", "{\"sdp\":\"s\"}"),
	  ERR("1", "-32602", PAR, "to_peer_id is missing") },
	{ M("ice_candidate", "{\"to_peer_id\":\"b\"}"),
	  ERR("1", "-32602", PAR, "candidate is missing") },
	{ M("ice_candidate", "{\"to_peer_id\":\"b\",\"candidate\":\"c\","
	    "\"sdp_mline_index\":65536}"),
	  ERR("1", "-32602", PAR, "sdp_mline_index is not 0 to 65535") },
	{ M("ice_candidate", "{\"to_peer_id\":\"b\",\"candidate\":\"c\","
	    "\"sdp_mline_index\":\"1\"}"),
	  ERR("1", "-32602", PAR, "sdp_mline_index is not 0 to 65535") },
	{ M("disconnect", "{}"),
	  ERR("1", "-32602", PAR, "peer_id is missing") },
	{ M("offer", "{\"to_peer_id\":" SERVER ",\"sdp\":\"x\"}"),
	  ERR("1", "-32002", SDP_BAD, "the SDP does not begin with v=0") },
	{ M("offer", "{\"to_peer_id\":" SERVER ",\"sdp\":\"v=0\"}"),
	  ERR("1", "-32002", SDP_BAD, "the SDP has no m-line") },
	{ M("offer", "{\"to_peer_id\":" SERVER ",\"sdp\":\"v=0 m=\","
	    "\"type\":\"answer\"}"),
	  ERR("1", "-32002", SDP_BAD, "type is not \\\"offer\\\"") },
	{ M("answer", "{\"to_peer_id\":" SERVER ",\"sdp\":\"v=0\"}"),
	  ERR("1", "-32025", "Wrong state",
	      "remotemedia-server has made no offer") },
	{ M("ice_candidate", "{\"to_peer_id\":" SERVER ",\"candidate\":\"c\"}"),
	  ERR("1", "-32026", "Candidate refused",
	      "the component is not 1 to 256") },
	{ M("ice_candidate", "{\"to_peer_id\":" SERVER ",\"candidate\":"
	    "\"candidate:1 1 udp 1 169.254.169.254 80 typ host\"}"),
	  ERR("1", "-32026", "Candidate refused",
	      "a cloud's metadata address is not allowed") },
	{ M("ice_candidate", "{\"to_peer_id\":" SERVER ",\"candidate\":"
	    LINE ",\"sdp_mid\":\"a b\"}"),
	  ERR("1", "-32026", "Candidate refused",
	      "not one candidate line and one mid") },
	{ M("ice_candidate", "{\"to_peer_id\":" SERVER
	    ",\"candidate\":" LINE "}"),
	  OK1 "{\"to_peer_id\":" SERVER "}}\n" },
};

START_TEST(a_member_is_answered_as_the_table_says)
{
	begin();
	announce("ab");
	say('a', members[_i].in);
	expect(members[_i].out);
	end();
}
END_TEST

#define OFFER(id) V ",\"id\":" id ",\"method\":\"offer\",\"params\":{"        \
	"\"to_peer_id\":" SERVER ",\"sdp\":\"v=0 m=\"}}"
#define TAKEN(id) V ",\"id\":" id ",\"result\":{\"offer_id\":"                \
	"\"a_remotemedia-server_1764000000000\",\"to_peer_id\":" SERVER "}}"
#define ANSWER "a: " V ",\"method\":\"answer\",\"params\":{\"from_peer_id\":" \
	SERVER ",\"sdp\":\"A\",\"type\":\"answer\"}}\n"

START_TEST(an_offer_to_the_server_waits_for_its_answer)
{
	begin();
	announce("a");
	say('a', OFFER("1"));
	expect("broker: open\nbroker: offer\n");
	say('a', ID1 ",\"method\":\"list_peers\"}");
	expect(OK1 LIST0);
	say('a', OFFER("2"));
	expect(ERR("2", "-32025", "Wrong state",
		   "the last offer is not answered yet"));
	calls_on_local(world.calls, last_call, DESCRIPTION_ANSWER, "A", 0);
	expect("a: " TAKEN("1") "\n" ANSWER);
	end();
	expect("broker: close\n");
}
END_TEST

START_TEST(a_refusal_takes_the_place_of_the_result)
{
	static const struct {
		enum call_why why;
		const char *code;
	} t[] = {
		{ WHY_BAD_SDP, "-32002" }, { WHY_FULL, "-32021" },
		{ WHY_RESOURCES, "-32021" }, { WHY_WRONG_STATE, "-32025" },
		{ WHY_CRASHED, "-32001" }, { WHY_TIMEOUT, "-32001" },
	};
	char want[64];

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		begin();
		announce("a");
		say('a', OFFER("\"x\""));
		heard[0] = '\0';
		calls_on_gone(world.calls, last_call, t[i].why, i & 1, "Why");
		snprintf(want, sizeof(want), "\"id\":\"x\",\"error\":"
			 "{\"code\":%s,", t[i].code);
		ck_assert_ptr_nonnull(strstr(heard, want));
		ck_assert_ptr_nonnull(strstr(heard, "{\"reason\":\"Why\""));
		ck_assert_ptr_null(strstr(heard, "peer_disconnected"));
		end();
	}
}
END_TEST

START_TEST(an_offer_without_id_gets_only_its_answer)
{
	begin();
	announce("a");
	say('a', V ",\"method\":\"offer\",\"params\":[" SERVER
	    ",\"v=0 m=\"]}");
	expect("broker: open\nbroker: offer\n");
	calls_on_local(world.calls, last_call, DESCRIPTION_ANSWER, "A", 0);
	expect(ANSWER);
	end();
}
END_TEST

START_TEST(a_batch_waits_for_its_offer)
{
	begin();
	announce("a");
	say('a', "[" OFFER("1") "," V ",\"id\":2,\"method\":\"x\"}]");
	expect("broker: open\nbroker: offer\n");
	calls_on_local(world.calls, last_call, DESCRIPTION_ANSWER, "A", 0);
	expect("a: [" V ",\"id\":2,\"error\":{\"code\":-32601,\"message\":"
	       "\"Method not found: x\",\"data\":{\"reason\":"
	       "\"no such method\"}}}," TAKEN("1") "]\n" ANSWER);
	/* One that is left behind is freed with its connection. */
	say('a', "[" OFFER("1") "," V ",\"id\":2,\"method\":\"x\"}]");
	end();
}
END_TEST

START_TEST(without_a_broker_an_offer_is_refused_after_a_while)
{
	begin();
	broker_err = -ENOTCONN;
	calls_on_down(world.calls, mono_at(0));
	announce("ab");
	say('a', OFFER("1"));
	say('a', M("offer", "[\"b\",\"s\"]"));
	ck_assert_ptr_nonnull(strstr(heard, "b: " V ",\"method\":\"offer\""));
	heard[0] = '\0';
	calls_tick(world.calls, mono_at(5000000));
	expect("a: " V ",\"id\":1,\"error\":{\"code\":-32021,\"message\":"
	       "\"Over capacity, retry later\",\"data\":{\"reason\":"
	       "\"the media side is restarting\",\"retry_after_ms\":1000}}}\n");
	end();
}
END_TEST

START_TEST(events_of_a_call_become_notifications)
{
	begin();
	announce("a");
	say('a', OFFER("1"));
	calls_on_local(world.calls, last_call, DESCRIPTION_ANSWER, "A", 0);
	heard[0] = '\0';
	calls_on_trickle(world.calls, last_call, "0 1 cand x");
	calls_on_state(world.calls, last_call, CALL_CONNECTED, 42);
	calls_on_gone(world.calls, last_call, WHY_BAD_CANDIDATE, false, "r");
	calls_on_local(world.calls, last_call, DESCRIPTION_OFFER, "O", 43);
	expect("a: " V ",\"method\":\"ice_candidate\",\"params\":{"
	       "\"from_peer_id\":" SERVER ",\"candidate\":\"cand x\","
	       "\"sdp_mid\":\"0\",\"sdp_mline_index\":1}}\n"
	       "a: " V ",\"method\":\"peer_state_change\",\"params\":{"
	       "\"peer_id\":" SERVER ",\"connection_state\":\"connected\","
	       "\"timestamp\":42}}\n"
	       "a: " V ",\"method\":\"peer_error\",\"params\":{\"peer_id\":"
	       SERVER ",\"code\":-32026,\"message\":\"Candidate refused\","
	       "\"reason\":\"r\"}}\n"
	       "a: " V ",\"method\":\"offer\",\"params\":{\"from_peer_id\":"
	       SERVER ",\"offer_id\":\"remotemedia-server_a_43\",\"sdp\":"
	       "\"O\",\"type\":\"offer\"}}\n");
	say('a', M("answer", "[" SERVER ",\"v=0\"]"));
	expect("broker: answer\n" OK1 "{\"to_peer_id\":" SERVER "}}\n");
	calls_on_gone(world.calls, last_call, WHY_LOST, true, "");
	expect("a: " V ",\"method\":\"peer_disconnected\",\"params\":{"
	       "\"peer_id\":" SERVER ",\"reason\":\"lost\"}}\n");
	end();
	expect("");
}
END_TEST

START_TEST(a_peer_that_goes_is_told_of_and_its_name_is_free)
{
	begin();
	announce("abc");
	rpc_free(conns[0], true, mono_at(0));
	conns[0] = NULL;
	expect("b: " V ",\"method\":\"peer_left\",\"params\":{\"peer_id\":"
	       "\"a\"}}\nc: " V ",\"method\":\"peer_left\",\"params\":{"
	       "\"peer_id\":\"a\"}}\n");
	ck_assert_ptr_null(hub_find(world.hub, "a"));
	end();
}
END_TEST

START_TEST(a_refused_announce_ties_nothing_to_the_socket)
{
	begin();
	announce("b");
	say('a', M("announce", "{\"peer_id\":\"b\"}"));
	expect(ERR("1", "-32000", "Peer id already taken",
		   "another peer has this id; to come back to it announce its "
		   "resume_token"));
	rpc_free(conns[0], true, mono_at(0));
	conns[0] = NULL;
	expect("");
	ck_assert_ptr_nonnull(hub_find(world.hub, "b"));
	end();
}
END_TEST

START_TEST(the_sender_hears_of_a_peer_that_does_not_read)
{
	begin();
	announce("ab");
	full[1] = true;
	say('a', M("offer", "[\"b\",\"s\"]"));
	expect("a: " ID1 ",\"error\":{\"code\":-32021,\"message\":"
	       "\"Over capacity, retry later\",\"data\":{\"reason\":"
	       "\"that peer does not read its messages\","
	       "\"retry_after_ms\":1000}}}\n");
	end();
}
END_TEST

START_TEST(offers_are_limited_to_five_and_two_a_second)
{
	const char *offer = M("offer", "[\"x\",\"s\"]");

	begin();
	announce("a");
	for (int i = 0; i < 5; i++)
		say('a', offer);
	ck_assert_ptr_null(strstr(heard, "-32022"));
	say('a', offer);
	ck_assert_ptr_nonnull(strstr(heard, "-32022,\"message\":"
				     "\"Rate limited\",\"data\":{\"reason\":"
				     "\"too many offers\","
				     "\"retry_after_ms\":501"));
	heard[0] = '\0';
	rpc_message(conns[0], offer, strlen(offer), mono_at(500000));
	ck_assert_ptr_null(strstr(heard, "-32022"));
	end();
}
END_TEST

START_TEST(a_flood_is_refused_then_closed)
{
	begin();
	for (int i = 0; i < 100; i++)
		say('a', ID1 ",\"method\":\"x\"}");
	ck_assert_int_eq(count("-32601"), 100);
	ck_assert_int_eq(count("-32022"), 0);
	for (int i = 0; i < 100; i++)
		say('a', i & 1 ? "broken" : ID1 ",\"method\":\"x\"}");
	ck_assert_int_eq(count("-32022"), 100);
	ck_assert_int_eq(count("close"), 0);
	say('a', V ",\"method\":\"x\"}");
	ck_assert_int_eq(count("-32022"), 100);
	ck_assert_int_eq(count("close: 1008 rate limited"), 1);
	end();
}
END_TEST

/* Whatever is wrong with a message, it takes one token. */
static const char *const rubbish[] = {
	"{}", "[]", "7", "{", "{\"jsonrpc\":\"1.0\"}", V "}", V ",\"id\":{}}",
	V ",\"id\":1}", V ",\"method\":\"x\",\"params\":1}",
	"[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]",
};

START_TEST(a_flood_of_rubbish_is_refused_then_closed)
{
	begin();
	for (int i = 0; i < 100; i++)
		say('a', rubbish[_i]);
	ck_assert_int_eq(count("-32600") + count("-32700"), 100);
	ck_assert_int_eq(count("-32022"), 0);
	heard[0] = '\0';
	for (int i = 0; i < 100; i++)
		say('a', rubbish[_i]);
	ck_assert_int_eq(count("-32022"), 100);
	ck_assert_int_eq(count("-32600") + count("-32700"), 0);
	ck_assert_int_eq(count("close"), 0);
	say('a', rubbish[_i]);
	ck_assert_int_eq(count("close: 1008 rate limited"), 1);
	end();
}
END_TEST

START_TEST(each_of_a_batch_counts)
{
	char batch[1024] = "[";

	for (int i = 0; i < 16; i++)
		strcat(strcat(batch, i ? "," : ""), ID1 ",\"method\":\"x\"}");
	strcat(batch, "]");
	begin();
	for (int i = 0; i < 7; i++)
		say('a', batch);
	ck_assert_int_eq(count("-32601"), 100);
	ck_assert_int_eq(count("-32022"), 12);
	end();
}
END_TEST

START_TEST(large_texts_have_limits_of_their_own)
{
	char *text = malloc(60000), *sdp = malloc(40000);

	memset(sdp, 's', 40000);
	sdp[HUB_SDP_MAX + 1] = '\0';
	begin();
	announce("ab");
	snprintf(text, 60000, M("offer", "[\"b\",\"%s\"]"), sdp);
	say('a', text);
	expect(ERR("1", "-32002", SDP_BAD, "the SDP is over 32768 bytes"));
	snprintf(text, 60000, M("answer", "[\"b\",\"%s\"]"), sdp);
	say('a', text);
	expect(ERR("1", "-32003", "Invalid SDP answer",
		   "the SDP is over 32768 bytes"));
	sdp[HUB_SDP_MAX] = '\0';
	snprintf(text, 60000, M("answer", "[\"b\",\"%s\"]"), sdp);
	say('a', text);
	ck_assert_int_eq(count("b: "), 1);
	heard[0] = '\0';
	sdp[HUB_CANDIDATE_MAX + 1] = '\0';
	snprintf(text, 60000, M("ice_candidate", "[\"b\",\"%s\"]"), sdp);
	say('a', text);
	expect(ERR("1", "-32026", "Candidate refused",
		   "over 448 bytes, or its mid over 32"));
	end();
	free(text);
	free(sdp);
}
END_TEST

START_TEST(a_string_beyond_the_limit_is_refused_by_its_id)
{
	static const struct {
		const char *before, *behind, *id;
	} t[] = {
		{ V ",\"id\":\"q\",\"method\":\"offer\",\"params\":{\"sdp\":"
		  "\"", "\"}}", "\"q\"" },
		{ V ",\"params\":[\"", "\"],\"method\":\"x\",\"id\":1.50}",
		  "1.50" },
		{ V ",\"method\":\"x\",\"params\":[\"", "\"]}", "null" },
		{ "[{\"id\":1,\"method\":\"", "\"}]", "null" },
		{ "{\"id\":1,\"method\":\"", "", "null" },
	};
	char *text = malloc(65000), *big = malloc(50001);

	memset(big, 's', 50000);
	big[50000] = '\0';
	begin();
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char want[256];

		snprintf(text, 65000, "%s%s%s", t[i].before, big,
			 t[i].behind);
		say('a', text);
		snprintf(want, sizeof(want), "a: " V ",\"id\":%s,\"error\":{"
			 "\"code\":-32024,\"message\":\"Message too large or "
			 "too deep\",\"data\":{\"reason\":\"a string over "
			 "49152 bytes\"}}}\n", t[i].id);
		expect(want);
	}
	end();
	free(text);
	free(big);
}
END_TEST

START_TEST(a_long_unknown_method_is_cut)
{
	/* An odd start, so that the cut falls inside a character. */
	char text[1400] = ID1 ",\"method\":\"x";

	for (int i = 0; i < 600; i++)
		strcat(text, "\xc3\xa9");
	strcat(text, "\"}");
	begin();
	say('a', text);
	ck_assert_int_eq(count("-32601"), 1);
	ck_assert_uint_lt(strlen(heard), 320);
	ck_assert_int_eq(count("\xef\xbf\xbd"), 1);
	end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("jsonrpc");
	TCase *t = tcase_create("dialect A");

	tcase_add_loop_test(t, a_stranger_is_answered_as_the_table_says, 0,
			    ARRAY_LEN(strangers));
	tcase_add_loop_test(t, a_member_is_answered_as_the_table_says, 0,
			    ARRAY_LEN(members));
	tcase_add_test(t, an_offer_to_the_server_waits_for_its_answer);
	tcase_add_test(t, a_refusal_takes_the_place_of_the_result);
	tcase_add_test(t, an_offer_without_id_gets_only_its_answer);
	tcase_add_test(t, a_batch_waits_for_its_offer);
	tcase_add_test(t,
		       without_a_broker_an_offer_is_refused_after_a_while);
	tcase_add_test(t, events_of_a_call_become_notifications);
	tcase_add_test(t, a_peer_that_goes_is_told_of_and_its_name_is_free);
	tcase_add_test(t, a_refused_announce_ties_nothing_to_the_socket);
	tcase_add_test(t, the_sender_hears_of_a_peer_that_does_not_read);
	tcase_add_test(t, offers_are_limited_to_five_and_two_a_second);
	tcase_add_test(t, a_flood_is_refused_then_closed);
	tcase_add_loop_test(t, a_flood_of_rubbish_is_refused_then_closed, 0,
			    ARRAY_LEN(rubbish));
	tcase_add_test(t, each_of_a_batch_counts);
	tcase_add_test(t, large_texts_have_limits_of_their_own);
	tcase_add_test(t, a_string_beyond_the_limit_is_refused_by_its_id);
	tcase_add_test(t, a_long_unknown_method_is_cut);
	suite_add_tcase(s, t);

	return suite_run(s);
}
