# SPDX-License-Identifier: MIT OR Apache-2.0
"""The 14 gRPC interoperability cases, by grpcio."""

import queue
import time

import grpc
import pytest

import interop_pb2 as t
import kit

CODE = grpc.StatusCode
SIZES_IN = (27182, 8, 1828, 45904)
SIZES_OUT = (31415, 9, 2653, 58979)


@pytest.fixture
def channel(interop):
    with interop.channel() as ch:
        yield ch


def stub(ch, method, request, response, kind="unary_unary",
         service="grpc.testing.TestService"):
    return kit.stub(ch, f"/{service}/{method}", request, response, kind)


def full_duplex(ch):
    return stub(ch, "FullDuplexCall", t.StreamingOutputCallRequest,
                t.StreamingOutputCallResponse, "stream_stream")


def ask(out, size):
    return t.StreamingOutputCallRequest(
        response_parameters=[dict(size=out)], payload=dict(body=bytes(size)))


def test_empty_unary(channel):
    call = stub(channel, "EmptyCall", t.Empty, t.Empty)
    assert call(t.Empty(), timeout=kit.DEADLINE) == t.Empty()


def test_large_unary(channel):
    call = stub(channel, "UnaryCall", t.SimpleRequest, t.SimpleResponse)
    r = call(t.SimpleRequest(response_size=314159,
                             payload=dict(body=bytes(271828))),
             timeout=kit.DEADLINE)
    assert r.payload.body == bytes(314159)


def test_client_streaming(channel):
    call = stub(channel, "StreamingInputCall", t.StreamingInputCallRequest,
                t.StreamingInputCallResponse, "stream_unary")
    r = call((t.StreamingInputCallRequest(payload=dict(body=bytes(n)))
              for n in SIZES_IN), timeout=kit.DEADLINE)
    assert r.aggregated_payload_size == 74922


def test_server_streaming(channel):
    call = stub(channel, "StreamingOutputCall", t.StreamingOutputCallRequest,
                t.StreamingOutputCallResponse, "unary_stream")
    got = call(t.StreamingOutputCallRequest(
        response_parameters=[dict(size=n) for n in SIZES_OUT]),
        timeout=kit.DEADLINE)
    assert tuple(len(r.payload.body) for r in got) == SIZES_OUT


def test_ping_pong(channel):
    out = queue.Queue()
    call = full_duplex(channel)(iter(out.get, None), timeout=kit.DEADLINE)
    for size_in, size_out in zip(SIZES_IN, SIZES_OUT):
        out.put(ask(size_out, size_in))
        assert len(next(call).payload.body) == size_out
    out.put(None)
    assert list(call) == [] and call.code() == CODE.OK


def test_empty_stream(channel):
    call = full_duplex(channel)(iter([]), timeout=kit.DEADLINE)
    assert list(call) == [] and call.code() == CODE.OK


def test_cancel_after_begin(channel):
    out = queue.Queue()
    call = stub(channel, "StreamingInputCall", t.StreamingInputCallRequest,
                t.StreamingInputCallResponse, "stream_unary").future(
        iter(out.get, None))
    call.cancel()
    assert call.cancelled() and call.code() == CODE.CANCELLED
    out.put(None)


def test_cancel_after_first_response(channel):
    out = queue.Queue()
    call = full_duplex(channel)(iter(out.get, None), timeout=kit.DEADLINE)
    out.put(ask(SIZES_OUT[0], SIZES_IN[0]))
    assert len(next(call).payload.body) == SIZES_OUT[0]
    call.cancel()
    with pytest.raises(grpc.RpcError):
        next(call)
    assert call.code() == CODE.CANCELLED
    out.put(None)


def test_timeout_on_sleeping_server(channel):
    out = queue.Queue()
    out.put(t.StreamingOutputCallRequest(payload=dict(body=bytes(27182))))
    call = full_duplex(channel)(iter(out.get, None), timeout=0.001)
    with pytest.raises(grpc.RpcError):
        next(call)
    assert call.code() == CODE.DEADLINE_EXCEEDED
    out.put(None)


def test_status_code_and_message(channel):
    status = dict(code=2, message="test status message")
    call = stub(channel, "UnaryCall", t.SimpleRequest, t.SimpleResponse)
    with pytest.raises(grpc.RpcError) as error:
        call(t.SimpleRequest(response_status=status), timeout=kit.DEADLINE)
    assert error.value.code() == CODE.UNKNOWN
    assert error.value.details() == status["message"]
    stream = full_duplex(channel)(
        iter([t.StreamingOutputCallRequest(response_status=status)]),
        timeout=kit.DEADLINE)
    with pytest.raises(grpc.RpcError):
        list(stream)
    assert stream.code() == CODE.UNKNOWN
    assert stream.details() == status["message"]


def test_special_status_message(channel):
    text = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP " \
           "\U0001f608\t\n"
    call = stub(channel, "UnaryCall", t.SimpleRequest, t.SimpleResponse)
    with pytest.raises(grpc.RpcError) as error:
        call(t.SimpleRequest(response_status=dict(code=2, message=text)),
             timeout=kit.DEADLINE)
    assert error.value.code() == CODE.UNKNOWN
    assert error.value.details() == text


def test_unimplemented_method(channel):
    call = stub(channel, "UnimplementedCall", t.Empty, t.Empty)
    with pytest.raises(grpc.RpcError) as error:
        call(t.Empty(), timeout=kit.DEADLINE)
    assert error.value.code() == CODE.UNIMPLEMENTED


def test_unimplemented_service(channel):
    call = stub(channel, "UnimplementedCall", t.Empty, t.Empty,
                service="grpc.testing.UnimplementedService")
    with pytest.raises(grpc.RpcError) as error:
        call(t.Empty(), timeout=kit.DEADLINE)
    assert error.value.code() == CODE.UNIMPLEMENTED


def test_custom_metadata(channel):
    metadata = (
        ("x-grpc-test-echo-initial", "test_initial_metadata_value"),
        ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab"))
    call = stub(channel, "UnaryCall", t.SimpleRequest, t.SimpleResponse)
    _, done = call.with_call(
        t.SimpleRequest(response_size=314159,
                        payload=dict(body=bytes(271828))),
        metadata=metadata, timeout=kit.DEADLINE)
    assert metadata[0] in [tuple(m) for m in done.initial_metadata()]
    assert metadata[1] in [tuple(m) for m in done.trailing_metadata()]
    stream = full_duplex(channel)(iter([ask(SIZES_OUT[0], SIZES_IN[0])]),
                                  metadata=metadata, timeout=kit.DEADLINE)
    assert [len(r.payload.body) for r in stream] == [SIZES_OUT[0]]
    assert metadata[0] in [tuple(m) for m in stream.initial_metadata()]
    assert metadata[1] in [tuple(m) for m in stream.trailing_metadata()]


# Beside the 14: what its limit is, and that the product has none of it.

def test_half_a_megabyte_is_the_limit(channel):
    call = stub(channel, "UnaryCall", t.SimpleRequest, t.SimpleResponse)
    with pytest.raises(grpc.RpcError) as error:
        call(t.SimpleRequest(payload=dict(body=bytes(524289))),
             timeout=kit.DEADLINE)
    assert error.value.code() == CODE.RESOURCE_EXHAUSTED


def test_the_product_does_not_serve_tests(house):
    with house.channel() as ch:
        call = stub(ch, "EmptyCall", t.Empty, t.Empty)
        with pytest.raises(grpc.RpcError) as error:
            call(t.Empty(), timeout=kit.DEADLINE)
        assert error.value.code() == CODE.UNIMPLEMENTED


def test_messages_at_their_own_pace(channel):
    call = stub(channel, "StreamingOutputCall", t.StreamingOutputCallRequest,
                t.StreamingOutputCallResponse, "unary_stream")
    start = time.monotonic()
    got = list(call(t.StreamingOutputCallRequest(response_parameters=[
        dict(size=1, interval_us=100000), dict(size=2, interval_us=100000)]),
        timeout=kit.DEADLINE))
    assert [len(r.payload.body) for r in got] == [1, 2]
    assert time.monotonic() - start >= 0.2


@pytest.mark.parametrize("size", [65000, 66000, 262144, 400000, 524000])
def test_answers_of_every_size(channel, size):
    call = stub(channel, "UnaryCall", t.SimpleRequest, t.SimpleResponse)
    r = call(t.SimpleRequest(response_size=size), timeout=kit.DEADLINE)
    assert len(r.payload.body) == size
