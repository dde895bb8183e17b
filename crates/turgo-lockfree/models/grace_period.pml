/* The grace period of src/rcu.rs on a machine with store buffers, where `light` keeps only the compiler in order and `heavy` drains the
 * buffers of all readers. A writer unlinks two objects one after the other and frees each behind a grace period of its own; two readers enter sections
 * and use what they find linked. Nothing that is in use may be freed.
 *
 * Each variant below is the protocol with one mistake, and must fail:
 * variants: FLIP LATE NOHEAVY NOSCAN PROMOTE EARLYBUMP
 *
 *   FLIP       a phase of one bit, flipped once per period, where the protocol counts: a reader that names an old phase is taken for a new one
 *   LATE       a reader publishes its section behind its first read
 *   NOHEAVY    the leader makes no heavy fence
 *   NOSCAN     the leader looks at no reader
 *   PROMOTE    what is unlinked while a period runs is freed by that period
 *   EARLYBUMP  the period begins before the object is unlinked
 */

#define READERS 2
#define SECTIONS 2
#define OBJECTS 2

byte periods = 1;               /* the last period that began */
byte section[READERS];          /* what each reader has published, in memory */
chan buffer[READERS] = [2] of { byte };  /* what each has stored and memory does not have yet */
bool linked[OBJECTS] = true;
bool freed[OBJECTS];

#ifdef FLIP
#define NAME(p)          (1 + (p) % 2)
#define HOLDS_UP(s, t)   ((s) != 0 && (s) != NAME(t))
#else
#define NAME(p)          (p)
#define HOLDS_UP(s, t)   ((s) != 0 && (s) < (t))
#endif

/* Memory takes the stores of a reader in their order, at any time. */
active [READERS] proctype Memory() {
  byte value;
end:
  do
  :: atomic { buffer[_pid]?value -> section[_pid] = value }
  od
}

proctype Reader(byte me) {
  byte sections, name, object;
  bool found;
  do
  :: sections < SECTIONS ->
     sections++;
     name = NAME(periods);
     if
     :: object = 0
     :: object = 1
     fi;
#ifdef LATE
     found = linked[object];
     buffer[me]!name;
#else
     buffer[me]!name;
     found = linked[object];
#endif
     if
     :: found -> assert(!freed[object])
     :: else
     fi;
     buffer[me]!0
  :: else -> break
  od
}

inline heavy() {
#ifndef NOHEAVY
  reader = 0;
  do
  :: reader < READERS ->
     atomic {
       do
       :: buffer[reader]?value -> section[reader] = value
       :: empty(buffer[reader]) -> break
       od;
       reader++
     }
  :: else -> break
  od
#else
  skip
#endif
}

inline wait_for_readers() {
#ifndef NOSCAN
  reader = 0;
  do
  :: reader < READERS ->
     !HOLDS_UP(section[reader], target);
     reader++
  :: else -> break
  od
#else
  skip
#endif
}

proctype Writer() {
  byte object, reader, value, target;
  do
  :: object < OBJECTS ->
#ifdef EARLYBUMP
     periods++; target = periods;
     heavy();
     linked[object] = false;
#else
     linked[object] = false;
     periods++; target = periods;
     heavy();
#endif
#ifdef PROMOTE
     if
     :: object + 1 < OBJECTS -> linked[object + 1] = false
     :: else
     fi;
#endif
     wait_for_readers();
     freed[object] = true;
#ifdef PROMOTE
     if
     :: object + 1 < OBJECTS -> freed[object + 1] = true
     :: else
     fi;
#endif
     object++
  :: else -> break
  od
}

init {
  atomic {
    run Reader(0);
    run Reader(1);
    run Writer()
  }
}
