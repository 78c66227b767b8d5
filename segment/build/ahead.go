package build

import "sync"

// loaded is a column of the source, or why there is none.
type loaded struct {
	d   *data
	err error
}

// eachColumn calls f with the columns in the order of the plans. With
// Config.Ahead the next column is loaded while f has one.
func (b *builder) eachColumn(f func(*plan, *data) error) error {
	next, stop := b.load, func() {}
	if b.cfg.Ahead {
		next, stop = b.loadAhead()
	}
	defer stop()
	for i := range b.plans {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		d, err := next(&b.plans[i])
		if err == nil {
			err = f(&b.plans[i], d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// load loads one column.
func (b *builder) load(p *plan) (*data, error) {
	d, err := b.src.load(p.field)
	if err != nil {
		return nil, err
	}
	if d == nil {
		d = &data{typ: p.field.Type, n: b.rows, allNull: true}
	}
	return d, nil
}

// loadAhead begins to load the columns one by one. next returns them in the
// order of the plans; after stop nobody reads the source any more.
func (b *builder) loadAhead() (next func(*plan) (*data, error), stop func()) {
	columns, quit := make(chan loaded), make(chan struct{})
	var loader sync.WaitGroup
	loader.Go(func() {
		for i := range b.plans {
			d, err := b.load(&b.plans[i])
			select {
			case columns <- loaded{d, err}:
			case <-quit:
				return
			}
			if err != nil {
				return
			}
		}
	})
	next = func(*plan) (*data, error) {
		l := <-columns
		return l.d, l.err
	}
	return next, func() {
		close(quit)
		loader.Wait()
	}
}
