/*
 * frame_ring.pml - slots of raw frames: writer, in-line reader, observer
 *
 * Stores pass through a store buffer per process; FENCE waits until it is
 * empty. Three slots, one hold, two words of picture a slot. A state word is
 * number << 2 | state. The in-line reader may die while it holds; the writer
 * may revoke at any moment, and may stop for ever at any moment (every
 * prefix of its run is explored). Checked: what a reader was told is whole
 * is whole; without a revocation a held frame stays; the writer always finds
 * a slot.
 */
#define SLOTS 3
#define N 4
#define FILLING 0
#define READY 1
#define REVOKED 2
#define WANTED 3

byte state[SLOTS], a[SLOTS], b[SLOTS], newest, hold;
byte revoked;			/* ghost: bit n: frame n was revoked */

mtype = { STATE, A, B, NEWEST, HOLD };
chan wbuf = [5] of { mtype, byte, byte };
chan rbuf = [2] of { mtype, byte, byte };

inline land(what, i, v)
{
	if
	:: what == STATE -> state[i] = v
	:: what == A -> a[i] = v
	:: what == B -> b[i] = v
	:: what == NEWEST -> newest = v
	:: what == HOLD -> hold = v
	fi
}

active proctype memory()
{
	mtype what;
	byte i, v;

end:	do
	:: atomic { wbuf?what(i, v); land(what, i, v); what = 0; i = 0; v = 0 }
	:: atomic { rbuf?what(i, v); land(what, i, v); what = 0; i = 0; v = 0 }
	od
}

/* An id is number << 2 | slot. */
#define ID(n, s) ((n) << 2 | (s))
#define HELD(s) (h && (h & 3) == (s) && own[s] == ((h >> 2) << 2 | READY))

active proctype writer()
{
	byte own[SLOTS], last = 255, n = 1, s, best, h, tried;
	bool again;

	do
	:: n <= N ->
		tried = 0;
		again = false;
pick:
		h = hold;
		best = 255;
		d_step {
			s = 0;
			do
			:: s < SLOTS ->
				if
				:: !(tried >> s & 1) &&
#ifndef M7_NEWEST_TAKEN
				   s != last &&
#endif
				   !HELD(s) &&
				   (best == 255 || (own[s] >> 2) <
						   (own[best] >> 2)) ->
					best = s
				:: else
				fi;
				s++
			:: else -> break
			od;
			s = 0
		};
#ifndef M9_ONE_ROUND
		if
		:: best == 255 && tried && !again ->
			again = true;
			tried = 0;
			goto pick
		:: else
		fi;
#endif
		assert(best != 255);
#ifdef M11_FILLING_AT_ONCE
		wbuf!STATE(best, n << 2 | FILLING);
#else
		if
		:: (own[best] & 3) == READY ->
			wbuf!STATE(best, (own[best] >> 2) << 2 | WANTED)
		:: else
		fi;
#endif
#ifndef M1_NO_WRITER_FENCE
		empty(wbuf);
#endif
#ifndef M3_NO_SECOND_LOOK
		h = hold;
		if
		:: HELD(best) ->
			wbuf!STATE(best, own[best]);
			tried = tried | 1 << best;
			goto pick
		:: else
		fi;
#endif
		wbuf!STATE(best, n << 2 | FILLING);
#ifdef M5_READY_EARLY
		own[best] = n << 2 | READY;
		wbuf!STATE(best, n << 2 | READY);
#endif
		wbuf!A(best, n);
		wbuf!B(best, n);
#ifndef M5_READY_EARLY
		own[best] = n << 2 | READY;
		wbuf!STATE(best, n << 2 | READY);
#endif
		wbuf!NEWEST(0, ID(n, best));
		last = best;
		n++;
		/* The deadline of what is held may pass. */
		if
		:: h = hold;
			if
			:: h && own[h & 3] == ((h >> 2) << 2 | READY) ->
				revoked = revoked | 1 << (h >> 2);
				own[h & 3] = (h >> 2) << 2 | REVOKED;
				wbuf!STATE(h & 3, (h >> 2) << 2 | REVOKED);
				if
				:: (h & 3) == last -> last = 255
				:: else
				fi
			:: else
			fi
		:: skip
		fi
	:: else -> break
	od
}

active proctype in_line()
{
	byte seen, s, best, number, x, y;

end:	do
	:: seen < N ->
		best = 255;
		s = 0;
		do
		:: s < SLOTS ->
			number = state[s];
			if
			:: (number & 3) == READY && (number >> 2) > seen &&
			   (best == 255 || number < best) ->
				best = number;
				x = s
			:: else
			fi;
			s++
		:: else -> break
		od;
		number = 0;
		s = 0;
		if
		:: best == 255 -> goto next
		:: else
		fi;
		s = x;
		number = best >> 2;
		x = 0;
		rbuf!HOLD(0, ID(number, s));
#ifndef M2_NO_READER_FENCE
		empty(rbuf);
#endif
		if
		:: state[s] != (number << 2 | READY) ->
			rbuf!HOLD(0, 0);
#ifndef M10_ASKS_AGAIN
			seen = number;
#endif
			goto next
		:: else
		fi;
		seen = number;
#ifdef M8_HOLD_ENDS_EARLY
		rbuf!HOLD(0, 0);
#endif
		x = a[s];
		if :: skip :: goto dead fi;
		y = b[s];
#ifndef M6_NO_CHECK_AT_RETURN
		best = state[s];
		if
		:: best != (number << 2 | READY) &&
		   best != (number << 2 | WANTED) ->
			/* stale: only ever after a revocation */
			assert(revoked >> number & 1)
		:: else ->
			assert(x == number && y == number)
		fi;
#else
		assert(x == number && y == number);
#endif
		rbuf!HOLD(0, 0);
next:
		x = 0;
		y = 0
	:: else -> break
	od;
dead:
	skip
}

active proctype observer()
{
	byte id, w, x, y, rounds;

end:	do
	:: rounds < 1 ->
		id = newest;
		if
		:: id == 0 -> goto next
		:: else
		fi;
		w = state[id & 3];
		if
		:: w != ((id >> 2) << 2 | READY) ->
			/* the newest frame stands unless it was revoked */
			assert(newest != id || revoked >> (id >> 2) & 1);
			goto next
		:: else
		fi;
		x = a[id & 3];
		y = b[id & 3];
#ifndef M4_NO_SECOND_CHECK
		w = state[id & 3];
		if
		:: w != ((id >> 2) << 2 | READY) &&
		   w != ((id >> 2) << 2 | WANTED) -> goto next
		:: else
		fi;
#endif
		assert(x == id >> 2 && y == id >> 2);
		rounds++;
next:
		id = 0;
		w = 0;
		x = 0;
		y = 0
	:: else -> break
	od
}
