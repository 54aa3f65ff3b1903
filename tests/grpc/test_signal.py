# SPDX-License-Identifier: MIT OR Apache-2.0
"""WebRtcSignaling by grpcio, with a played broker."""

import json
import re
import select
import signal
import socket
import subprocess
import threading
import time

import grpc
import pytest

import health_pb2
import kit
import reflection_v1_pb2
import reflection_v1alpha_pb2
from kit import SERVER, House, Peer, get_peers, health, pb, sdp, until

CODE = grpc.StatusCode


@pytest.fixture
def channel(house):
    with house.channel() as ch:
        yield ch


@pytest.fixture
def two(channel):
    a, b = Peer(channel), Peer(channel)
    a.announce()
    b.announce()
    yield a, b
    a.cancel()
    b.cancel()


def code_of(call):
    with pytest.raises(grpc.RpcError) as error:
        call()
    return error.value.code(), error.value.details()


# announce

def test_announce_is_acknowledged_with_what_a_client_needs(channel):
    a = Peer(channel)
    data = a.announce()
    assert data["peer_id"] == a.id
    assert SERVER in data["other_peers"] and a.id not in data["other_peers"]
    assert data["peers_count"] == len(data["other_peers"]) + 1
    assert re.fullmatch("[0-9a-f]{32}", data["resume_token"])
    assert data["session"] is None and data["resumed"] is False and data["ice_servers"] == []
    assert a.seen[0].ack.message == f"Peer {a.id} announced successfully"
    assert a.end() == CODE.OK


def test_others_hear_of_a_peer_that_comes_and_goes(two, channel):
    a, b = two
    c = Peer(channel)
    c.announce(capabilities=dict(video=True, extensions='{"x":1}'),
               metadata={"name": "Carol", "session": "", "k": "é"})
    joined = a.note("peer_joined", lambda n: n.peer_id == c.id)
    assert joined.capabilities == pb.PeerCapabilities(
        video=True, extensions='{"x":1}')
    assert dict(joined.metadata) == {"name": "Carol", "k": "é"}
    assert c.end() == CODE.OK
    b.note("peer_left", lambda n: n.peer_id == c.id)
    a.note("peer_left", lambda n: n.peer_id == c.id)


def test_a_cancelled_stream_is_a_farewell(two, channel):
    c = Peer(channel)
    c.announce()
    c.cancel()
    two[0].note("peer_left", lambda n: n.peer_id == c.id)


def test_a_taken_id_is_refused_and_its_owner_unharmed(two, channel):
    a, b = two
    c = Peer(channel, a.id)
    e = c.refused(announce=dict(peer_id=a.id))
    assert e.code == CODE.ALREADY_EXISTS.value[0]
    assert json.loads(e.details)["reason"]
    # The same stream goes on with another name.
    c.id = kit.name()
    c.announce()
    assert c.end() == CODE.OK
    b.acked(offer=dict(to_peer_id=a.id, sdp=sdp(), type="offer"))
    a.note("offer", lambda n: n.from_peer_id == b.id)


@pytest.mark.parametrize("peer_id", [
    "", SERVER, "a\nb", "x" * 129, "\x7f", "\u0085"])
def test_bad_ids_are_refused(channel, peer_id):
    a = Peer(channel)
    e = a.refused(announce=dict(peer_id=peer_id))
    assert e.code in (CODE.INVALID_ARGUMENT.value[0],
                      CODE.ALREADY_EXISTS.value[0])
    a.announce()
    assert a.end() == CODE.OK


def test_announced_twice_is_refused(two):
    e = two[0].refused(announce=dict(peer_id=two[0].id + "x"))
    assert e.code in (CODE.FAILED_PRECONDITION.value[0],
                      CODE.ALREADY_EXISTS.value[0])
    two[0].acked(disconnect=dict(peer_id="nobody"))


def test_large_capabilities_and_metadata_are_refused(channel):
    a = Peer(channel)
    for more in (dict(capabilities=dict(extensions="x" * 5000)),
                 dict(metadata={"k": "v" * 5000})):
        e = a.refused(announce=dict(peer_id=a.id, **more))
        assert e.code == CODE.INVALID_ARGUMENT.value[0]
    e = a.refused(announce=dict(
        peer_id=a.id, metadata={str(i): "" for i in range(65)}))
    assert e.code == CODE.INVALID_ARGUMENT.value[0]
    a.announce()
    a.cancel()


# errors that do not end the stream

@pytest.mark.parametrize("request_", [
    dict(offer=dict(to_peer_id="x", sdp=sdp())),
    dict(answer=dict(to_peer_id="x", sdp=sdp())),
    dict(ice_candidate=dict(to_peer_id="x", candidate="c")),
    dict(disconnect=dict(peer_id="x")),
])
def test_before_the_announce_only_errors(channel, request_):
    a = Peer(channel)
    e = a.refused(**request_)
    assert e.code == CODE.FAILED_PRECONDITION.value[0]
    assert "announce" in json.loads(e.details)["reason"]
    a.announce()
    assert a.end() == CODE.OK


@pytest.mark.parametrize("request_,code", [
    (dict(), CODE.INVALID_ARGUMENT),
    (dict(offer=dict(to_peer_id="nobody", sdp=sdp())), CODE.NOT_FOUND),
    (dict(answer=dict(to_peer_id="nobody", sdp=sdp())), CODE.NOT_FOUND),
    (dict(ice_candidate=dict(to_peer_id="nobody", candidate="c")),
     CODE.NOT_FOUND),
    (dict(offer=dict(sdp=sdp())), CODE.INVALID_ARGUMENT),
    (dict(offer=dict(to_peer_id=SERVER)), CODE.INVALID_ARGUMENT),
    (dict(offer=dict(to_peer_id=SERVER, sdp="hello")),
     CODE.INVALID_ARGUMENT),
    (dict(offer=dict(to_peer_id=SERVER, sdp=sdp(), type="answer")),
     CODE.INVALID_ARGUMENT),
    (dict(offer=dict(to_peer_id=SERVER, sdp="v=0\r\nm=" + "x" * 33000)),
     CODE.INVALID_ARGUMENT),
    (dict(answer=dict(to_peer_id=SERVER, sdp=sdp())),
     CODE.FAILED_PRECONDITION),
    (dict(ice_candidate=dict(to_peer_id=SERVER, candidate="c" * 500)),
     CODE.INVALID_ARGUMENT),
    (dict(ice_candidate=dict(to_peer_id=SERVER, candidate="c",
                             sdp_mline_index=70000)), CODE.INVALID_ARGUMENT),
])
def test_what_is_wrong_is_said_and_the_stream_goes_on(two, request_, code):
    a, b = two
    e = a.refused(**request_)
    assert e.code == code.value[0], e
    assert e.message and json.loads(e.details)["reason"]
    a.acked(ice_candidate=dict(to_peer_id=b.id, candidate="candidate:1"))


def test_the_name_of_a_missing_peer_is_said(two):
    e = two[0].refused(offer=dict(to_peer_id="né", sdp=sdp()))
    assert e.message == "Peer not found: né"


RAW = {
    "no message": b"\x0a\x05ab",
    "an id that is no text": b"\x0a\x01\xff",
    "an id with NUL": b"\x0a\x03a\x00b",
    "a peer id with NUL": b"\x52\x07\x0a\x05ab\x00cd",
    "a group": b"\x0b\x0c",
    "a long request_id": b"\x0a\xac\x02" + b"x" * 300 + b"\x7a\x00",
}


@pytest.mark.parametrize("case", RAW)
def test_undecodable_messages_are_answered(channel, case):
    call = channel.stream_stream(kit.SIGNALING + "Signal")(
        iter([RAW[case], pb.SignalingRequest(
            request_id="2", list_peers={}).SerializeToString()]),
        timeout=kit.DEADLINE)
    first, second = [pb.SignalingResponse.FromString(m) for m in call]
    assert first.error.code == CODE.INVALID_ARGUMENT.value[0]
    assert first.request_id == ""
    assert second.request_id == "2"
    assert second.WhichOneof("response") == "peer_list"
    assert call.code() == CODE.OK


def test_too_many_messages_are_refused_then_the_stream_ends(house):
    with house.channel() as ch:
        a = Peer(ch)
        a.announce()
        for i in range(400):
            a.put(request_id=str(i), list_peers={})
        assert a.status() == CODE.RESOURCE_EXHAUSTED
        errors = [r.error for r in a.seen
                  if r.WhichOneof("response") == "error"]
        lists = [r for r in a.seen if r.WhichOneof("response") == "peer_list"]
        assert len(lists) >= 90 and errors
        assert all(e.code == CODE.RESOURCE_EXHAUSTED.value[0]
                   for e in errors)
        assert json.loads(errors[0].details)["retry_after_ms"] > 0
    with house.channel() as ch:
        assert health(ch).status == "healthy"


# relay

def test_descriptions_and_candidates_are_relayed_exactly(two):
    a, b = two
    text = sdp("a=x:é\n")
    data = a.acked(offer=dict(to_peer_id=b.id, sdp=text, type="offer"))
    got = b.note("offer")
    assert (got.from_peer_id, got.sdp, got.type) == (a.id, text, "offer")
    assert got.offer_id == data["offer_id"]
    assert data["to_peer_id"] == b.id
    stem, _, seconds = data["offer_id"].rpartition("_")
    assert stem == f"{a.id}_{b.id}"
    assert abs(int(seconds) - time.time()) < 30
    assert b.acked(answer=dict(to_peer_id=a.id, sdp=text, type="pranswer")
                   ) == {"to_peer_id": a.id}
    got = a.note("answer")
    assert (got.from_peer_id, got.sdp, got.type) == (b.id, text, "pranswer")
    a.acked(ice_candidate=dict(to_peer_id=b.id, candidate="candidate:1 1",
                               sdp_mid="audio", sdp_mline_index=2))
    a.acked(ice_candidate=dict(to_peer_id=b.id, candidate=""))
    got = until(lambda: len(b.notes("ice_candidate")) == 2 and
                b.notes("ice_candidate"), "two candidates")
    assert got[0] == pb.IceCandidateNotification(
        from_peer_id=a.id, candidate="candidate:1 1", sdp_mid="audio",
        sdp_mline_index=2)
    assert got[1].candidate == ""


def test_a_type_left_out_is_the_usual_one(two):
    a, b = two
    a.acked(offer=dict(to_peer_id=b.id, sdp=sdp()))
    assert b.note("offer").type == "offer"
    b.acked(answer=dict(to_peer_id=a.id, sdp=sdp()))
    assert a.note("answer").type == "answer"


def test_disconnect_tells_the_other_one(two):
    a, b = two
    assert a.acked(disconnect=dict(peer_id=b.id)) == {"peer_id": b.id}
    assert b.note("peer_disconnected").peer_id == a.id
    assert a.acked(disconnect=dict(peer_id="nobody")) == {
        "peer_id": "nobody"}


def test_an_order_is_kept(two):
    a, b = two
    for i in range(40):
        a.put(request_id=f"n{i}", ice_candidate=dict(
            to_peer_id=b.id, candidate=f"candidate:{i}"))
    got = until(lambda: len(b.notes("ice_candidate")) == 40 and
                b.notes("ice_candidate"), "40 candidates")
    assert [n.candidate for n in got] == [f"candidate:{i}"
                                         for i in range(40)]


# the server's peer

def test_the_answer_comes_before_its_ack(two):
    a = two[0]
    data = a.acked(offer=dict(to_peer_id=SERVER, sdp=sdp(), type="offer"))
    assert data["answer_sent"] is True and data["to_peer_id"] == SERVER
    stem, _, seconds = data["offer_id"].rpartition("_")
    assert stem == f"{a.id}_{SERVER}"
    assert abs(int(seconds) - time.time()) < 30
    kinds = [r.notification.WhichOneof("notification") or
             r.WhichOneof("response") for r in a.seen]
    kinds = [k for k in kinds if k in ("answer", "ack", "ice_candidate")]
    assert kinds.index("answer") < len(kinds) - kinds[::-1].index("ack")
    at = next(i for i, r in enumerate(a.seen)
              if r.notification.HasField("answer"))
    assert a.seen[at].request_id == ""
    answer = a.seen[at].notification.answer
    assert answer.from_peer_id == SERVER and answer.type == "answer"
    assert answer.sdp.startswith("v=0")
    # and only then its candidates
    ice = a.note("ice_candidate")
    assert ice.from_peer_id == SERVER and "127.0.0.1" in ice.candidate
    assert ice.sdp_mid == "0"
    first_ice = next(i for i, r in enumerate(a.seen)
                     if r.notification.HasField("ice_candidate"))
    assert first_ice > at


def test_candidates_before_the_offer_are_kept(two):
    a = two[0]
    for i in range(3):
        line = f"candidate:{i} 1 udp 1 192.0.2.4 5000 typ host"
        a.acked(ice_candidate=dict(to_peer_id=SERVER, candidate=line,
                                   sdp_mid="0"))
    a.acked(offer=dict(to_peer_id=SERVER, sdp=sdp()))
    assert a.note("answer").sdp.startswith("v=0")


@pytest.mark.parametrize("word,code", [
    ("refuse", CODE.INVALID_ARGUMENT), ("full", CODE.RESOURCE_EXHAUSTED)])
def test_a_refused_offer_is_an_error(two, word, code):
    a = two[0]
    e = a.refused(offer=dict(to_peer_id=SERVER,
                             sdp=sdp(f"a=x-fake:{word}\r\n")))
    assert e.code == code.value[0]
    a.acked(offer=dict(to_peer_id=SERVER, sdp=sdp()))


def test_the_server_may_offer_and_is_answered(two):
    a = two[0]
    a.acked(offer=dict(to_peer_id=SERVER, sdp=sdp("a=x-fake:offer\r\n")))
    offer = a.note("offer")
    assert offer.from_peer_id == SERVER
    assert a.acked(answer=dict(to_peer_id=SERVER, sdp=sdp())) == {
        "to_peer_id": SERVER}


def test_a_pending_offer_is_counted_and_a_second_refused(two, channel):
    a = two[0]
    before = json.loads(health(channel).metrics)["pending_offers"]
    a.put(request_id="slow", offer=dict(
        to_peer_id=SERVER, sdp=sdp("a=x-fake:silent\r\n")))
    until(lambda: json.loads(health(channel).metrics)["pending_offers"] ==
          before + 1, "a pending offer")
    e = a.refused(offer=dict(to_peer_id=SERVER, sdp=sdp()))
    assert e.code == CODE.FAILED_PRECONDITION.value[0]
    # A stream that is half-closed still gets its answer.
    a._out.put(None)
    assert a.status() == CODE.OK
    late = [r for r in a.seen if r.request_id == "slow"]
    assert len(late) == 1 and late[0].WhichOneof("response") == "error"
    until(lambda: json.loads(health(channel).metrics)["pending_offers"] ==
          before, "no pending offer")


def test_a_call_that_crashes_is_told(two):
    a = two[0]
    a.acked(offer=dict(to_peer_id=SERVER, sdp=sdp("a=x-fake:crash\r\n")))
    until(lambda: any(r.request_id == "" and r.HasField("error")
                      for r in a.seen) or
          a.notes("peer_disconnected"), "word of the crash")


# lists and health

def test_peers_are_listed(two, channel):
    a, b = two
    peers = get_peers(channel)
    assert peers.count == len(peers.peers)
    by = {p.peer_id: p for p in peers.peers}
    assert list(by)[0] == SERVER
    assert by[SERVER].capabilities == pb.PeerCapabilities(
        audio=True, video=True, data=True, extensions="{}")
    assert by[SERVER].metadata["type"] == "server"
    assert by[SERVER].metadata["version"]
    assert by[a.id].state == pb.PEER_STATE_AVAILABLE
    assert by[a.id].capabilities == pb.PeerCapabilities(audio=True, data=True)
    assert abs(by[a.id].connected_at - time.time()) < 60
    r = a.ask(list_peers={})
    listed = {p.peer_id for p in r.peer_list.peers}
    assert r.peer_list.count == len(listed)
    assert listed == set(by) - {a.id}


def test_lists_have_a_rate():
    with House() as h, h.channel() as ch:
        call = kit.stub(ch, kit.SIGNALING + "GetPeers", pb.GetPeersRequest,
                        pb.GetPeersResponse)
        calls = [call.future(pb.GetPeersRequest(), timeout=kit.DEADLINE)
                 for _ in range(600)]
        codes = [c.code() for c in calls]
        assert set(codes) == {CODE.OK, CODE.RESOURCE_EXHAUSTED}
        assert codes.count(CODE.OK) >= 200
        assert health(ch).status == "healthy"


def test_list_peers_needs_no_announce(channel):
    a = Peer(channel)
    r = a.ask(list_peers={})
    assert r.peer_list.peers[0].peer_id == SERVER
    a.cancel()


def test_the_health_check_counts(two, channel):
    h = health(channel)
    assert h.status == "healthy"
    assert h.connected_peers == get_peers(channel).count - 1
    metrics = json.loads(h.metrics)
    assert metrics["connected_peers"] == h.connected_peers
    assert metrics["grpc_calls_total"] > 2
    assert metrics["pending_offers"] == 0
    again = json.loads(health(channel).metrics)
    assert again["grpc_calls_total"] > metrics["grpc_calls_total"]


def check_health(ch, service="", kind="unary_unary", name="Check"):
    return kit.stub(ch, "/grpc.health.v1.Health/" + name,
                    health_pb2.HealthCheckRequest,
                    health_pb2.HealthCheckResponse, kind)(
        health_pb2.HealthCheckRequest(service=service),
        timeout=kit.DEADLINE)


@pytest.mark.parametrize("service", [
    "", "remotemedia.v1.webrtc.WebRtcSignaling",
    "remotemedia.v1.webrtc.WebRtcSignalingWeb", "grpc.health.v1.Health"])
def test_the_standard_health_service(channel, service):
    assert check_health(channel, service).status == 1


def test_an_unknown_service_has_no_health(channel):
    assert code_of(lambda: check_health(channel, "x.Y"))[0] == \
        CODE.NOT_FOUND
    watch = check_health(channel, "x.Y", "unary_stream", "Watch")
    assert next(watch).status == 3
    watch.cancel()


def test_health_is_watched_while_the_broker_goes_and_comes():
    with House() as h, h.channel() as ch:
        watch = check_health(ch, "", "unary_stream", "Watch")
        assert next(watch).status == 1
        h.signal(signal.SIGUSR1)
        assert next(watch).status == 2
        assert health(ch).status == "degraded"
        h.signal(signal.SIGUSR2)
        assert next(watch).status == 1
        watch.cancel()


# reflection

@pytest.fixture(params=[("v1", reflection_v1_pb2),
                        ("v1alpha", reflection_v1alpha_pb2)],
                ids=["v1", "v1alpha"])
def reflect(request, channel):
    version, module = request.param
    call = kit.stub(
        channel,
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        module.ServerReflectionRequest, module.ServerReflectionResponse,
        "stream_stream")

    def ask(*questions):
        return list(call(iter([module.ServerReflectionRequest(**q)
                               for q in questions]), timeout=kit.DEADLINE))
    return ask


def test_services_are_listed(reflect):
    (r,) = reflect(dict(host="h", list_services="*"))
    assert [s.name for s in r.list_services_response.service] == [
        "remotemedia.v1.webrtc.WebRtcSignaling",
        "remotemedia.v1.webrtc.WebRtcSignalingWeb",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection"]
    assert r.valid_host == "h" and r.original_request.list_services == "*"


def test_files_come_with_their_imports(reflect):
    from google.protobuf import descriptor_pb2, descriptor_pool
    web, symbol = reflect(
        dict(file_by_filename="webrtc_signaling_web.proto"),
        dict(file_containing_symbol="remotemedia.v1.webrtc.WebRtcSignaling"))
    pool = descriptor_pool.DescriptorPool()
    files = web.file_descriptor_response.file_descriptor_proto
    for raw in reversed(files):
        pool.AddSerializedFile(raw)
    method = pool.FindMethodByName(
        "remotemedia.v1.webrtc.WebRtcSignalingWeb.Subscribe")
    assert method.input_type.full_name == \
        "remotemedia.v1.webrtc.SignalingRequest"
    (raw,) = symbol.file_descriptor_response.file_descriptor_proto
    f = descriptor_pb2.FileDescriptorProto.FromString(raw)
    assert f.name == "webrtc_signaling.proto"
    fields = {m.name: {x.name: x.number for x in m.field}
              for m in f.message_type}
    assert fields["SignalingRequest"]["list_peers"] == 15
    assert fields["PeerInfo"]["connected_at"] == 5


def test_what_is_not_there_is_an_error(reflect):
    answers = reflect(
        dict(file_by_filename="none.proto"),
        dict(file_containing_symbol="no.Such"),
        dict(file_containing_extension=dict(
            containing_type="a.B", extension_number=1)),
        dict(all_extension_numbers_of_type="a.B"), {},
        dict(list_services=""))
    codes = [r.error_response.error_code for r in answers]
    assert codes == [5, 5, 5, 5, 3, 0]


# the call itself

def test_unknown_methods_are_unimplemented(channel):
    for path in ("/remotemedia.v1.webrtc.WebRtcSignaling/Nope", "/a.B/C"):
        code, text = code_of(lambda: channel.unary_unary(path)(
            b"", timeout=kit.DEADLINE))
        assert code == CODE.UNIMPLEMENTED and path in text


def test_a_deadline_ends_a_stream(channel):
    a = Peer(channel, timeout=0.5)
    a.announce()
    assert a.status() == CODE.DEADLINE_EXCEEDED


def test_a_deadline_is_kept_by_the_server(house):
    """Seen on the wire: the client's own clock is not asked."""
    import web
    with web.H2(house.port) as c:
        s = c.post(kit.SIGNALING + "Signal", [
            ("content-type", "application/grpc"), ("te", "trailers"),
            ("grpc-timeout", "200m")])
        c.wait(lambda: s.ended)
        assert s.trailers["grpc-status"] == "4"


@pytest.mark.parametrize("value", ["1s", "S", "-1S", "123456789S", ""])
def test_a_bad_deadline_is_refused(house, value):
    import web
    with web.H2(house.port) as c:
        s = c.post(kit.SIGNALING + "Signal", [
            ("content-type", "application/grpc"), ("grpc-timeout", value)])
        c.wait(lambda: s.ended)
        assert s.headers["grpc-status"] == "3"


def test_who_never_announces_is_sent_away():
    with House("--announce-timeout-s", "2") as h, h.channel() as ch:
        start = time.monotonic()
        a = Peer(ch)
        a.ask(list_peers={})
        b = Peer(ch)
        b.announce()
        assert a.status() == CODE.DEADLINE_EXCEEDED
        assert "no announce within 2 s" in a.call.details()
        assert time.monotonic() - start > 1.9
        time.sleep(2)
        b.acked(disconnect=dict(peer_id="x"))
        b.end()


def test_a_request_that_never_comes_is_not_waited_for():
    import web
    with House("--announce-timeout-s", "1") as h, web.H2(h.port) as c:
        for path in ("GetPeers", "HealthCheck"):
            s = c.post(kit.SIGNALING + path,
                       [("content-type", "application/grpc")], b"\0\0",
                       end=False)
            c.wait(lambda: s.ended)
            assert s.headers["grpc-status"] == "4"
            assert s.headers["grpc-message"] == "no request within 1 s"


def test_large_messages_are_refused(channel):
    a = Peer(channel)
    a.announce()
    a.put(offer=dict(to_peer_id="x", sdp="x" * 65600))
    assert a.status() == CODE.RESOURCE_EXHAUSTED


def test_the_largest_message_is_taken(two):
    a, b = two
    big = "x" * 32768
    a.acked(offer=dict(to_peer_id=b.id, sdp="v=0\r\nm=" + big[7:]))
    assert len(b.note("offer").sdp) == 32768
    e = a.refused(offer=dict(to_peer_id=b.id, sdp="v=0\r\nm=" + "x" * 60000))
    assert e.code == CODE.INVALID_ARGUMENT.value[0]


def test_compressed_messages_are_unimplemented(house):
    with kit.channel(house.address, **{
            "grpc.default_compression_algorithm": 2}) as ch:
        a = Peer(ch)
        a.put(announce=dict(peer_id=a.id,
                            metadata={"k": "v" * 3000}))
        assert a.status() == CODE.UNIMPLEMENTED
    import web
    with web.H2(house.port) as c:
        s = c.whole(kit.SIGNALING + "GetPeers", [
            ("content-type", "application/grpc"), ("grpc-encoding", "gzip")],
            b"\1\0\0\0\1x")
        assert s.headers["grpc-status"] == "12"
        assert s.headers["grpc-accept-encoding"] == "identity"


def test_large_metadata_is_refused(house):
    with house.channel() as ch:
        a = Peer(ch, metadata=[("x-large", "v" * 20000)])
        assert a.status() != CODE.OK
    with house.channel() as ch:
        assert health(ch).status == "healthy"


def test_who_does_not_read_costs_only_its_senders(house):
    """A raw client that never opens its window: what is sent to it is
    refused to the sender, and everybody else goes on."""
    import web
    with web.H2(house.port, window=False) as c, house.channel() as ch:
        lazy = kit.name("lazy")
        s = c.post(kit.SIGNALING + "Signal",
                   [("content-type", "application/grpc")])
        c.send(s, web.frame(pb.SignalingRequest(announce=dict(
            peer_id=lazy)).SerializeToString()))
        until(lambda: lazy in [p.peer_id for p in get_peers(ch).peers],
              "the lazy one")
        a = Peer(ch)
        a.announce()
        refused = None
        text = "v=0\r\nm=" + "x" * 30000
        for _ in range(60):
            r = a.ask(answer=dict(to_peer_id=lazy, sdp=text))
            if r.WhichOneof("response") == "error":
                refused = r.error
                break
            time.sleep(0.03)
        assert refused and refused.code == CODE.RESOURCE_EXHAUSTED.value[0]
        assert json.loads(refused.details)["retry_after_ms"] > 0
        assert health(ch).status == "healthy"
        a.note("peer_left", lambda n: n.peer_id == lazy)
        a.cancel()


# a lost connection

class Cut:
    """A TCP relay that can be cut as a network fails: without a word."""

    def __init__(self, port):
        self.to = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs, self.threads, self.over = [], [], False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.to))
            self.pairs.append((near, far))
            for a, b in ((near, far), (far, near)):
                t = threading.Thread(target=self._copy, args=(a, b),
                                     daemon=True)
                t.start()
                self.threads.append(t)

    def _copy(self, a, b):
        try:
            while not self.over:
                if not select.select([a], [], [], 0.05)[0]:
                    continue
                part = a.recv(65536)
                if not part:
                    return
                b.sendall(part)
        except OSError:
            pass

    def cut(self):
        """The server sees a reset, as after a lost network."""
        self.over = True
        self.listener.close()
        for t in self.threads:
            t.join(kit.DEADLINE)
        for near, far in self.pairs:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                           b"\1\0\0\0\0\0\0\0")
            far.close()
            near.close()


def test_a_lost_connection_is_held_and_resumed(house, two, channel):
    a, b = two
    relay = Cut(house.port)
    lost = kit.channel(f"127.0.0.1:{relay.port}")
    c = Peer(lost)
    token = c.announce(metadata={"session": "s1"})["resume_token"]
    relay.cut()
    until(lambda: {p.peer_id: p.state for p in get_peers(channel).peers}
          .get(c.id) == pb.PEER_STATE_AWAY, "a held peer")
    assert json.loads(health(channel).metrics)["held_peers"] >= 1
    assert not [n for n in a.notes("peer_left") if n.peer_id == c.id]
    # What is sent to it waits.
    a.acked(offer=dict(to_peer_id=c.id, sdp=sdp("a=waits\r\n")))
    thief = Peer(channel)
    e = thief.refused(announce=dict(peer_id=c.id,
                                    metadata={"resume_token": "0" * 32}))
    assert e.code == CODE.ALREADY_EXISTS.value[0]
    again = Peer(channel, c.id)
    data = again.announce(metadata={"resume_token": token})
    assert data["session"] == "s1" and data["resumed"] is True
    assert data["resume_token"] != token
    assert again.note("offer").sdp.endswith("a=waits\r\n")
    # Newest wins, also against a living one.
    third = Peer(channel, c.id)
    third.announce(metadata={"resume_token": data["resume_token"]})
    assert again.status() == CODE.ABORTED
    assert third.end() == CODE.OK
    a.note("peer_left", lambda n: n.peer_id == c.id)
    thief.cancel()
    lost.close()


# TLS and tokens

@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
         "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True)
    return cert, key


def test_tls(certificate):
    cert, key = certificate
    env = {"WEBRTC_TLS_CERT": str(cert), "WEBRTC_TLS_KEY": str(key)}
    credentials = grpc.ssl_channel_credentials(cert.read_bytes())
    with House(scheme="grpcs://", env=env) as h, \
            kit.channel(h.address, credentials) as ch:
        a, b = Peer(ch), Peer(ch)
        a.announce()
        b.announce()
        a.acked(offer=dict(to_peer_id=b.id, sdp=sdp()))
        assert b.note("offer").from_peer_id == a.id
        assert a.end() == CODE.OK and b.end() == CODE.OK


SECRET = "0123456789abcdef0123456789abcdef-secret"


def token(**claims):
    import jwt
    now = int(time.time())
    claims = dict(dict(iss="tests", aud="remotemedia", sub="ann",
                       exp=now + 600, nbf=now - 5), **claims)
    return jwt.encode(claims, SECRET, "HS256")


@pytest.fixture(scope="module")
def guarded():
    with House(env={"WEBRTC_AUTH_SECRET": SECRET}) as h:
        yield h


def bearer(text):
    return [("authorization", "Bearer " + text)]


def test_without_a_token_no_entry(guarded):
    with guarded.channel() as ch:
        assert Peer(ch).status() == CODE.UNAUTHENTICATED
        assert code_of(lambda: get_peers(ch))[0] == CODE.UNAUTHENTICATED
        assert health(ch).status == "healthy"


@pytest.mark.parametrize("bad", ["x", "a.b.c", "expired", "secret"])
def test_a_bad_token_is_refused(guarded, bad):
    import jwt
    text = bad
    if bad == "expired":
        text = token(exp=int(time.time()) - 600)
    if bad == "secret":
        text = jwt.encode({"sub": "ann"}, "y" * 40, "HS256")
    with guarded.channel() as ch:
        p = Peer(ch, metadata=bearer(text))
        assert p.status() == CODE.UNAUTHENTICATED
        assert text not in (p.call.details() or "")
        assert code_of(lambda: get_peers(ch, bearer(text)))[0] == \
            CODE.UNAUTHENTICATED
    assert text not in guarded.log or len(text) < 5


def test_a_token_opens_the_stream(guarded):
    with guarded.channel() as ch:
        a = Peer(ch, metadata=bearer(token()))
        a.announce()
        assert a.id in [p.peer_id for p in
                        get_peers(ch, bearer(token())).peers]
        assert a.end() == CODE.OK


def test_a_single_use_token_serves_one_peer():
    once = bearer(token(jti="only-once"))
    with House(env={"WEBRTC_AUTH_SECRET": SECRET,
                    "WEBRTC_AUTH_SINGLE_USE": "true"}) as h, \
            h.channel() as ch:
        a = Peer(ch, metadata=once)
        a.announce()
        assert Peer(ch, metadata=once).status() == CODE.UNAUTHENTICATED
        assert a.end() == CODE.OK


def test_a_token_may_name_the_peer(guarded):
    with guarded.channel() as ch:
        a = Peer(ch, metadata=bearer(token(peer_id="only-ann")))
        e = a.refused(announce=dict(peer_id="bob"))
        assert e.code == CODE.PERMISSION_DENIED.value[0]
        a.id = "only-ann"
        a.announce()
        assert a.end() == CODE.OK
