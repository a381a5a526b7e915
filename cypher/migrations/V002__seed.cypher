// The one node of each kind that an empty store starts with.
MERGE (k:Counter {id: 'log'}) ON CREATE SET k.seq = 0;
MERGE (c:Cursor {id: 'drawn'}) ON CREATE SET c.seq = 0;
MERGE (s:Store {id: 'store'}) ON CREATE SET s.incarnation = left(replace(randomUUID(), '-', ''), 12);
