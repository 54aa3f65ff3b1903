/*
 * ering.pml - the encoded ring: a writer that laps, a reader that checks
 *
 * Four cells, records of one or two cells, a cell is seq << 2 | length (the
 * first) or seq << 2 | 3 (the second). The writer may die after each store,
 * the reader after each load; its successor opens at the oldest record.
 * Checked: no torn record is delivered, no honest ring is called broken, and
 * every record up to head is delivered or counted as lost. A missing fence
 * shows as stores or loads in another order: the mutants.
 */
#define S 4
#define N 5
#define TRIES 2

byte cell[S], head, tail, newest;
byte published;			/* ghost */
bool over;

#define STEP if :: skip :: goto dead fi

active proctype writer()
{
	byte at, low, seq = 1, size, i;

	do
	:: seq <= N ->
		if :: size = 1 :: size = 2 fi;
		do
		:: at + size - low > S -> low = low + (cell[low % S] & 3)
		:: else -> break
		od;
#ifndef M1_TAIL_LATE
		tail = low;
		STEP;
#endif
#ifdef M2_HEAD_EARLY
		atomic { head = at + size; published = seq };
		STEP;
#endif
#ifdef M4_NEWEST_EARLY
		newest = at;
		STEP;
#endif
		i = 0;
		do
		:: i < size ->
			cell[(at + i) % S] = seq << 2 | (i == 0 -> size : 3);
			i++;
			STEP
		:: else -> break
		od;
#ifdef M1_TAIL_LATE
		tail = low;
		STEP;
#endif
#ifndef M2_HEAD_EARLY
		atomic { head = at + size; published = seq };
		STEP;
#endif
#ifndef M4_NEWEST_EARLY
		newest = at;
		STEP;
#endif
		at = at + size;
		seq++
	:: else -> break
	od;
dead:
	over = true
}

active proctype reader()
{
	byte at, seq = 1, h, t, it, second, n, tries, missed, got, deaths;
	bool last;

again:
	last = over;
	h = head;
	t = tail;
	assert(h >= at && (t >= h || h - t <= S));
	if
	:: h == at && last -> goto drained
	:: h == at && !last -> goto again
	:: else
	fi;
	if
	:: at < t -> goto lapped
	:: else
	fi;
	it = cell[at % S];
#ifndef M6_JUDGED_UNCHECKED
	if
	:: tail > at -> goto lapped
	:: else
	fi;
#endif
	assert(it >> 2 == seq && (it & 3) >= 1 && (it & 3) <= 2 &&
	       (it & 3) <= h - at);
#ifdef M5_CHECK_BEFORE_COPY
	if
	:: tail > at -> goto lapped
	:: else
	fi;
#endif
	it = cell[at % S];
	second = cell[(at + 1) % S];
#ifndef M3_NO_CHECK_AFTER_COPY
#ifndef M5_CHECK_BEFORE_COPY
	if
	:: tail > at -> goto lapped
	:: else
	fi;
#endif
#endif
	/* delivered */
	assert(it >> 2 == seq && ((it & 3) == 1 || second == (seq << 2 | 3)));
	at = at + (it & 3);
	seq++;
	got++;
	goto next;

lapped:
	tries = 0;
	do
	:: tries < TRIES ->
		n = newest;
		h = head;
		t = tail;
		assert(n <= h && n >= at);
		assert(n < h);
		it = cell[n % S];
		if
		:: tail > n -> tries++
		:: else ->
			assert(it >> 2 >= seq && (it & 3) >= 1 &&
			       (it & 3) <= h - n);
			missed = missed + (it >> 2) - seq;
			at = n;
			seq = it >> 2;
			break
		fi
	:: else -> break
	od;
	goto next;

next:
	/* The reader dies; its successor opens from the start. */
	if
	:: deaths == 0 ->
		deaths++;
		at = 0;
		seq = 1;
		got = 0;
		missed = 0;
		n = tail;
		h = head;
		assert(n <= h);
		if
		:: n == h -> assert(h == 0)
		:: else ->
			it = cell[n % S];
			if
			:: tail > n -> goto again
			:: else ->
				missed = (it >> 2) - 1;
				at = n;
				seq = it >> 2
			fi
		fi
	:: skip
	fi;
	goto again;

drained:
	assert(got + missed == published)
}
