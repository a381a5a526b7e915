// The log begins behind this number: 0 while nothing was cut off. Its state lies in parts, as snapshots do, at the negative number.
MATCH (s:Store {id: 'store'}) SET s.base = coalesce(s.base, 0);
