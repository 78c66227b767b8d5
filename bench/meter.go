package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// meter watches the memory of a process.
type meter struct {
	pid        int
	quit       chan struct{}
	done       chan struct{}
	peak, anon int64
}

// The least and the most time between two looks at a process: long runs are
// looked at less often, so that the meter costs them nothing.
const (
	meterLeast = time.Millisecond
	meterMost  = 20 * time.Millisecond
)

// startMeter resets the process's peak, where the system lets it, and begins to
// look at its anonymous memory.
func startMeter(pid int) *meter {
	m := &meter{pid: pid, quit: make(chan struct{}), done: make(chan struct{})}
	// Without the right to reset, the peak is that of the process's life.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
	go m.watch()
	return m
}

func (m *meter) watch() {
	defer close(m.done)
	for start := time.Now(); ; {
		s := memory(m.pid)
		m.anon, m.peak = max(m.anon, s.Anon), max(m.peak, s.Now)
		select {
		case <-m.quit:
			m.peak = max(m.peak, s.Peak)
			return
		case <-time.After(min(max(time.Since(start)/20, meterLeast), meterMost)):
		}
	}
}

// stop returns the largest resident and anonymous sizes seen.
func (m *meter) stop() (peak, anon int64) {
	close(m.quit)
	<-m.done
	return m.peak, m.anon
}

// sizes are the resident bytes of a process.
type sizes struct{ Now, Peak, Anon int64 }

// memory returns zeros for a process that has ended.
func memory(pid int) (s sizes) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return s
	}
	for key, dst := range map[string]*int64{"VmRSS:": &s.Now, "VmHWM:": &s.Peak, "RssAnon:": &s.Anon} {
		*dst = kilobytes(raw, key) << 10
	}
	return s
}

// kilobytes finds "key   n kB" in the status of a process.
func kilobytes(status []byte, key string) int64 {
	_, rest, ok := bytes.Cut(status, []byte("\n"+key))
	if !ok {
		return 0
	}
	line, _, _ := bytes.Cut(rest, []byte(" kB"))
	n, _ := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	return n
}

// cpuTime returns the time that the living threads of a process have run, 0 if
// it is unknown. Unlike the process's total it counts nanoseconds.
func cpuTime(pid int) time.Duration {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	var sum int64
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			continue // a thread that ended meanwhile
		}
		first, _, _ := bytes.Cut(raw, []byte(" "))
		n, _ := strconv.ParseInt(string(first), 10, 64)
		sum += n
	}
	return time.Duration(sum)
}

// folderBytes returns the size of all files below a folder.
func folderBytes(dir string) (n int64, err error) {
	err = filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return err
	})
	return n, err
}
