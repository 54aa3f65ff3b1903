/*
 * sleep.pml - one reader of two rings sleeps by one bell: no wake-up is lost
 *
 * Stores pass through a store buffer per process; FENCE waits until it is
 * empty. The reader announces in both cursors, looks at both rings again,
 * waits for the bell, hears it, wakes, reads until both are empty. A record
 * that nobody is woken for leaves the reader blocked: spin reports an
 * invalid end state. The bell holds one ring: more are dropped, as in a full
 * pipe.
 */
#define N 2

byte head0, head1, asleep0, asleep1, bell;

mtype = { HEAD0, HEAD1, ASLEEP0, ASLEEP1 };
chan w0buf = [2] of { mtype, byte };
chan w1buf = [2] of { mtype, byte };
chan rbuf = [4] of { mtype, byte };

inline land(what, v)
{
	if
	:: what == HEAD0 -> head0 = v
	:: what == HEAD1 -> head1 = v
	:: what == ASLEEP0 -> asleep0 = v
	:: what == ASLEEP1 -> asleep1 = v
	fi
}

active proctype memory()
{
	mtype what;
	byte v;

end:	do
	:: atomic { w0buf?what(v); land(what, v); what = 0; v = 0 }
	:: atomic { w1buf?what(v); land(what, v); what = 0; v = 0 }
	:: atomic { rbuf?what(v); land(what, v); what = 0; v = 0 }
	od
}

#ifdef M1_NO_WRITER_FENCE
#define WRITER_FENCE(buf) skip
#else
#define WRITER_FENCE(buf) empty(buf)
#endif

active proctype writer0()
{
	byte n, was;

	do
	:: n < N ->
		n++;
#ifdef M4_LOOK_BEFORE_PUBLISH
		was = asleep0;
#endif
		w0buf!HEAD0(n);
		WRITER_FENCE(w0buf);
#ifndef M4_LOOK_BEFORE_PUBLISH
		was = asleep0;
#endif
		if
		:: was -> bell = 1
		:: else
		fi
	:: else -> break
	od
}

active proctype writer1()
{
	byte n, was;

	do
	:: n < N ->
		n++;
#ifdef M4_LOOK_BEFORE_PUBLISH
		was = asleep1;
#endif
		w1buf!HEAD1(n);
		WRITER_FENCE(w1buf);
#ifndef M4_LOOK_BEFORE_PUBLISH
		was = asleep1;
#endif
		if
		:: was -> bell = 1
		:: else
		fi
	:: else -> break
	od
}

active proctype reader()
{
	byte at0, at1;

	do
	:: at0 == N && at1 == N -> break
	:: at0 != N && head0 != at0 -> at0++
	:: at1 != N && head1 != at1 -> at1++
	:: head0 == at0 && head1 == at1 && !(at0 == N && at1 == N) ->
#ifdef M3_LOOK_BEFORE_ANNOUNCE
		if
		:: head0 != at0 || head1 != at1 -> goto next
		:: else
		fi;
#endif
		rbuf!ASLEEP0(1);
		rbuf!ASLEEP1(1);
#ifndef M2_NO_READER_FENCE
		empty(rbuf);
#endif
#ifndef M3_LOOK_BEFORE_ANNOUNCE
		if
		:: head0 != at0 -> goto awake
		:: else
		fi;
#ifndef M5_SECOND_RING_FORGOTTEN
		if
		:: head1 != at1 -> goto awake
		:: else
		fi;
#endif
#endif
		bell == 1;
		bell = 0;
awake:
		rbuf!ASLEEP0(0);
		rbuf!ASLEEP1(0);
next:
		skip
	od
}
