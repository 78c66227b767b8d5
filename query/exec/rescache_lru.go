package exec

// segmentedLRU orders entries by use in two lists. New entries begin in the
// first; a use moves them to the second, which has most of the room and whose
// oldest fall back to the first. So entries that were never used again go before
// those that were.
type segmentedLRU struct {
	limit     int64
	bytes     int64 // of both lists
	entries   int64
	fresh     lruList
	protected lruList
}

// lruNode is the place of an entry in the lists.
type lruNode struct {
	size       int64
	entry      *cacheEntry
	list       *lruList // nil: in none
	prev, next *lruNode
}

// lruList is a list with the latest at the front.
type lruList struct {
	bytes       int64
	front, back *lruNode
}

// protectedShare is how many tenths of the room the second list has.
const protectedShare = 8

func (l *lruList) push(n *lruNode) {
	n.list, n.prev, n.next = l, nil, l.front
	if l.front != nil {
		l.front.prev = n
	} else {
		l.back = n
	}
	l.front = n
	l.bytes += n.size
}

func (l *lruList) drop(n *lruNode) {
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		l.front = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	} else {
		l.back = n.prev
	}
	n.list, n.prev, n.next = nil, nil, nil
	l.bytes -= n.size
}

// add takes a new entry and returns those that have to go for it.
func (s *segmentedLRU) add(e *cacheEntry) []*cacheEntry {
	e.entry = e
	s.fresh.push(&e.lruNode)
	s.bytes += e.size
	s.entries++
	var out []*cacheEntry
	over := s.bytes - s.limit
	for _, l := range []*lruList{&s.fresh, &s.protected} {
		for n := l.back; n != nil && over > 0; n = n.prev {
			if n == &e.lruNode {
				continue
			}
			out = append(out, n.entry)
			over -= n.size
		}
	}
	return out
}

// touch notes a use.
func (s *segmentedLRU) touch(n *lruNode) {
	if n.list == nil {
		return
	}
	n.list.drop(n)
	s.protected.push(n)
	for s.protected.bytes > s.limit/10*protectedShare && s.protected.back != n {
		old := s.protected.back
		s.protected.drop(old)
		s.fresh.push(old)
	}
}

func (s *segmentedLRU) remove(n *lruNode) {
	if n.list == nil {
		return
	}
	n.list.drop(n)
	s.bytes -= n.size
	s.entries--
}
