#!/usr/bin/python3
"""An in-line reader of a frame ring without compiled code (docs/shm.md).

Usage: frame_reader.py RING_FD PAGE_FD BELL_FD LAST

Takes frames until number LAST, checks that all words of a frame are the
frame's number, prints "ready" once it has mapped its page and
"whole=N stale=N lost=N torn=N" at the end.
"""

import mmap
import os
import select
import struct
import sys
import threading

READY, WANTED = 2, 4
HEAD_AT, NEWEST, SLOT_AT, DATA_AT, PAGE_AT = 64, 128, 256, 4096, 128
ASLEEP, HOLD, SEEN = 0, 1, 3  # words of the page


class FrameReader:
    def __init__(self, ring_fd, page_fd, bell_fd):
        self.ring = mmap.mmap(ring_fd, 0, mmap.MAP_SHARED, mmap.PROT_READ)
        self.page = mmap.mmap(page_fd, 0)
        # One 8-byte move for each access; struct.pack_into would split it.
        self.words = memoryview(self.ring).cast("Q")
        self.own = memoryview(self.page).cast("Q")[PAGE_AT // 8:]
        self.bell = bell_fd
        self.lock = threading.Lock()
        self.seen = 0
        self.lost = 0
        magic, major = struct.unpack_from("=IH", self.ring, HEAD_AT)
        if magic != 0x524D4652 or major != 1:
            raise ValueError("not a frame ring of version 1")
        self.slots, self.slot_bytes = struct.unpack_from(
            "=IQ", self.ring, HEAD_AT + 12)

    def fence(self):
        """An atomic operation is a full barrier on x86-64."""
        with self.lock:
            pass

    def state(self, slot):
        return self.words[(SLOT_AT + 128 * slot) // 8]

    def next_id(self):
        found = []
        for slot in range(self.slots):
            state = self.state(slot)
            if state & 255 == READY and state >> 8 > self.seen:
                found.append((state >> 8, slot))
        if not found:
            return 0
        number, slot = min(found)
        return number << 8 | slot

    def borrow(self):
        """The id of the next frame, held; 0 when there is none."""
        hold = HOLD if not self.own[HOLD] else HOLD + 1
        while True:
            frame = self.next_id()
            if not frame:
                return 0
            number, slot = frame >> 8, frame & 255
            self.own[hold] = frame
            self.fence()
            self.lost += number - self.seen - 1
            self.seen = number
            if self.state(slot) == number << 8 | READY:
                self.own[SEEN] = number
                return frame
            self.own[hold] = 0
            self.lost += 1

    def samples(self, frame):
        """The frame's bytes, in place."""
        slot = frame & 255
        (size,) = struct.unpack_from("=Q", self.ring, SLOT_AT + 128 * slot + 24)
        start = DATA_AT + self.slot_bytes * slot
        return memoryview(self.ring)[start:start + min(size, self.slot_bytes)]

    def give_back(self, frame):
        """Whether all that was read is whole."""
        self.fence()
        state = self.state(frame & 255)
        good = state >> 8 == frame >> 8 and state & 255 in (READY, WANTED)
        self.own[HOLD if self.own[HOLD] == frame else HOLD + 1] = 0
        return good

    def sleep(self):
        self.own[ASLEEP] = 1
        self.fence()
        if self.words[NEWEST // 8] >> 8 <= self.seen:
            select.select([self.bell], [], [], 20)
            try:
                os.read(self.bell, 4096)
            except BlockingIOError:
                pass
        self.own[ASLEEP] = 0


def main():
    reader = FrameReader(*map(int, sys.argv[1:4]))
    last = int(sys.argv[4])
    whole = stale = torn = 0
    print("ready", flush=True)
    while reader.seen < last:
        frame = reader.borrow()
        if not frame:
            reader.sleep()
            continue
        data = bytes(reader.samples(frame))
        same = data == struct.pack("=Q", frame >> 8) * (len(data) // 8)
        if not reader.give_back(frame):
            stale += 1
        elif same and data:
            whole += 1
        else:
            torn += 1
    print(f"whole={whole} stale={stale} lost={reader.lost} torn={torn}")


if __name__ == "__main__":
    main()
