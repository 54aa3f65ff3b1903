/*
 * dring.pml - the data ring: lossless, both sides sleep, both may die
 *
 * Stores pass through a store buffer per process (as on x86; ARM needs the
 * same fences), FENCE waits until it is empty. Two cells, records of one or
 * two cells. A side that sleeps waits for its bell; a lost wake-up is a
 * deadlock, which spin reports as an invalid end state. The reader may die
 * once, at any point: the writer carries what was not consumed over to a
 * fresh ring, whose reader must continue without a gap (the one record that
 * was delivered but not yet marked may come twice).
 */
#define S 2
#define N 4

byte cell[S], head, at, wanted, asleep, reader_bell, writer_bell;
byte delivered;			/* ghost: newest seq handed on */
bool reader_dead, writer_dead;

mtype = { CELL0, CELL1, HEAD, WANTED, AT, ASLEEP };
chan wbuf = [4] of { mtype, byte };
chan rbuf = [3] of { mtype, byte };

#define PUT(buf, what, v) buf!what(v)

inline land(what, v)
{
	if
	:: what == CELL0 -> cell[0] = v
	:: what == CELL1 -> cell[1] = v
	:: what == HEAD -> head = v
	:: what == WANTED -> wanted = v
	:: what == AT -> at = v
	:: what == ASLEEP -> asleep = v
	fi
}

active proctype memory()
{
	mtype what;
	byte v;

end:	do
	:: atomic { wbuf?what(v); land(what, v); what = 0; v = 0 }
	:: atomic { rbuf?what(v); land(what, v); what = 0; v = 0 }
	od
}

#define CELL(i) ((i) % S == 0 -> CELL0 : CELL1)

active proctype writer()
{
	byte to, low, seq = 1, size, sizes[N + 2];

	do
	:: seq <= N ->
		if :: size = 1 :: size = 2 fi;
try:
		low = at;
		assert(low <= to);
#ifdef M3_ROOM
		if :: to + size - low <= S + 1 -> goto fits :: else fi;
#else
		if :: to + size - low <= S -> goto fits :: else fi;
#endif
#ifdef M4_WAIT_UNANNOUNCED
		goto wait;
#endif
		PUT(wbuf, WANTED, to + size - S);
#ifndef M5_NO_WRITER_FENCE
		empty(wbuf);
#endif
		low = at;
		if :: to + size - low <= S -> goto fits :: else fi;
wait:
		if
		:: atomic { writer_bell -> writer_bell = 0 }; goto try
		:: reader_dead -> goto carry
		fi;
fits:
#ifdef M2_HEAD_EARLY
		PUT(wbuf, HEAD, to + size);
#endif
		PUT(wbuf, CELL(to), seq << 2 | size);
		if
		:: size == 2 -> PUT(wbuf, CELL(to + 1), seq << 2 | 3)
		:: else
		fi;
#ifndef M2_HEAD_EARLY
		PUT(wbuf, HEAD, to + size);
#endif
		if
		:: wanted -> PUT(wbuf, WANTED, 0)
		:: else
		fi;
		sizes[seq] = size;
		to = to + size;
		seq++;
		empty(wbuf);
		if
		:: asleep -> reader_bell = 1
		:: else
		fi
	:: seq > N -> break
	od;
	if
	:: delivered == N && !reader_dead -> goto done
	:: reader_dead -> goto carry
	fi;
carry:
	/* Own lengths from the start to the dead reader's cursor. */
	empty(rbuf);
	low = 0;
	size = 1;
	do
	:: low < at -> low = low + sizes[size]; size++
	:: else -> break
	od;
	assert(low == at);
	/* The new reader begins with record `size`. */
	assert(size == delivered + 1 || size == delivered);
done:
	skip
}

active proctype reader()
{
	byte from, seq = 1, h, it, second;

	do
	:: seq <= N ->
		h = head;
		assert(h >= from && h - from <= S);
		if
		:: h == from ->
#ifdef M6_LOOK_BEFORE_ANNOUNCE
			if :: head != from -> goto next :: else fi;
			PUT(rbuf, ASLEEP, 1);
			empty(rbuf);
#else
			PUT(rbuf, ASLEEP, 1);
#ifndef M7_NO_READER_FENCE
			empty(rbuf);
#endif
			if :: head != from -> goto awake :: else fi;
#endif
			atomic { reader_bell -> reader_bell = 0 };
awake:
			PUT(rbuf, ASLEEP, 0);
			goto next
		:: else
		fi;
#ifdef M1_CURSOR_EARLY
		it = cell[from % S];
		PUT(rbuf, AT, from + (it & 3));
		empty(rbuf);
#endif
		it = cell[from % S];
		if :: skip :: goto dead fi;
		second = cell[(from + 1) % S];
		assert(it >> 2 == seq && (it & 3) >= 1 && (it & 3) <= 2 &&
		       (it & 3) <= h - from);
		assert((it & 3) == 1 || second == (seq << 2 | 3));
		delivered = seq;
		if :: skip :: goto dead fi;
		from = from + (it & 3);
		seq++;
#ifndef M1_CURSOR_EARLY
		PUT(rbuf, AT, from);
#endif
#ifndef M8_NO_FENCE_BEFORE_WANTED
		empty(rbuf);
#endif
		if
		:: wanted && wanted <= from -> writer_bell = 1
		:: else
		fi;
		if :: skip :: goto dead fi;
next:
		skip
	:: else -> break
	od;
	goto done;
dead:
	reader_dead = true;
done:
	skip
}
