# SPDX-License-Identifier: MIT OR Apache-2.0
"""Publishes a tone and a test picture by GStreamer's webrtcbin over WHIP.

gst_publish.py ENDPOINT HZ: says "published LOCATION" when the answer is in
place, "connected" when the connection stands, and ends with DELETE when its
standard input is closed.
"""

import sys
import threading
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

LAUNCH = """
webrtcbin name=rtc bundle-policy=max-bundle
videotestsrc is-live=true pattern=ball
  ! video/x-raw,width=320,height=240,framerate=15/1
  ! vp8enc deadline=1 keyframe-max-dist=30 ! rtpvp8pay pt=96
  ! application/x-rtp,media=video,encoding-name=VP8,payload=96 ! rtc.
audiotestsrc is-live=true wave=sine freq={hz} volume=0.25
  ! audio/x-raw,rate=48000,channels=2 ! opusenc ! rtpopuspay pt=111
  ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! rtc.
"""


def say(*words):
    print(*words, flush=True)


class Publisher:
    def __init__(self, endpoint, hz):
        self.endpoint = endpoint
        self.location = None
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.parse_launch(LAUNCH.format(hz=hz))
        self.rtc = self.pipeline.get_by_name("rtc")
        for i in range(2):
            self.rtc.emit("get-transceiver", i).set_property(
                "direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        self.rtc.connect("on-negotiation-needed", self.on_needed)
        self.rtc.connect("notify::ice-gathering-state", self.on_gathering)
        self.rtc.connect("notify::connection-state", self.on_state)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)

    def on_error(self, _bus, message):
        say("error", message.parse_error())
        self.loop.quit()

    def on_needed(self, rtc):
        rtc.emit("create-offer", None,
                 Gst.Promise.new_with_change_func(self.on_offer))

    def on_offer(self, promise):
        reply = promise.get_reply()     # owns the offer
        self.rtc.emit("set-local-description", reply.get_value("offer"),
                      Gst.Promise.new())

    def on_gathering(self, rtc, _name):
        if rtc.get_property("ice-gathering-state") == \
                GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            threading.Thread(target=self.post, daemon=True).start()

    def post(self):
        offer = self.rtc.get_property("local-description").sdp.as_text()
        request = urllib.request.Request(
            self.endpoint, offer.encode(), method="POST",
            headers={"Content-Type": "application/sdp"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                text = answer.read()
                self.location = urllib.parse.urljoin(
                    self.endpoint, answer.headers["Location"])
        except urllib.error.HTTPError as error:
            say("refused", error.code, error.read().decode())
            self.loop.quit()
            return
        _, message = GstSdp.SDPMessage.new_from_text(text.decode())
        self.rtc.emit(
            "set-remote-description",
            GstWebRTC.WebRTCSessionDescription.new(
                GstWebRTC.WebRTCSDPType.ANSWER, message), Gst.Promise.new())
        say("published", self.location)

    def on_state(self, rtc, _name):
        say(rtc.get_property("connection-state").value_nick)

    def run(self):
        threading.Thread(target=self.wait, daemon=True).start()
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        if self.location:
            urllib.request.urlopen(urllib.request.Request(
                self.location, method="DELETE"), timeout=20).close()
            say("deleted")
        self.pipeline.set_state(Gst.State.NULL)

    def wait(self):
        sys.stdin.read()
        self.loop.quit()


Gst.init(None)
Publisher(sys.argv[1], sys.argv[2]).run()
