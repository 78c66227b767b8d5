package decode

import (
	"math/rand/v2"
	"testing"
	"time"
)

const isoMicros = "2006-01-02T15:04:05.999999"

func TestPatternParse(t *testing.T) {
	f := func(pattern, zone, in, want string) {
		t.Helper()
		p, err := CompilePattern(pattern, zone)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			return
		}
		got := "refused"
		if micros, ok := p.Parse([]byte(in)); ok {
			got = time.UnixMicro(micros).UTC().Format(isoMicros)
		}
		if got != want {
			t.Errorf("%s (%s) of %q: %s, want %s", pattern, zone, in, got, want)
		}
	}
	const no = "refused"
	f("yyyy-MM-dd HH:mm:ss", "", "2024-02-29 23:59:59", "2024-02-29T23:59:59")
	f("yyyy-MM-dd HH:mm:ss", "", "2024-2-9 3:5:7", "2024-02-09T03:05:07")
	f("yyyy-MM-dd HH:mm:ss", "", "2024-02-30 00:00:00", no)
	f("yyyy-MM-dd HH:mm:ss", "", "2024-13-01 00:00:00", no)
	f("yyyy-MM-dd HH:mm:ss", "", "2024-02-01 24:00:00", no)
	f("yyyy-MM-dd HH:mm:ss", "", "2024-02-01 23:00:00 ", no)
	f("yyyy-MM-dd HH:mm:ss", "", "2024-02-01", no)
	f("yyyy-MM-dd HH:mm:ss", "", "", no)
	f("yyyyMMddHHmmssSSS", "", "20240229235959123", "2024-02-29T23:59:59.123")
	f("yyyyMMddHHmmssSSS", "", "2024022923595912x", no)
	f("yyyyMMdd'T'HH''mm", "", "20240229T23'59", "2024-02-29T23:59:00")
	f("EEE MMM dd HH:mm:ss z yyyy", "", "Sat Jul 10 05:34:56 GMT 2021", "2021-07-10T05:34:56")
	f("EEE MMM dd HH:mm:ss z yyyy", "", "Sat Jul 10 05:34:56 PDT 2021", "2021-07-10T12:34:56")
	f("EEE MMM dd HH:mm:ss z yyyy", "", "Saturday July 10 05:34:56 Europe/Paris 2021", "2021-07-10T03:34:56")
	f("EEE MMM dd HH:mm:ss z yyyy", "", "Sat Jul 10 05:34:56 GMT+02:00 2021", "2021-07-10T03:34:56")
	f("EEE MMM dd HH:mm:ss z yyyy", "", "Sat Jul 10 05:34:56 Local 2021", no)
	f("EEE MMM dd HH:mm:ss z yyyy", "", "Xyz Jul 10 05:34:56 GMT 2021", no)
	f("EEE MMM dd HH:mm:ss z yyyy", "", "", no)
	f("h:mm a", "", "12:30 am", "1970-01-01T00:30:00")
	f("h:mm a", "", "12:30 PM", "1970-01-01T12:30:00")
	f("h:mm a", "", "1:30 PM", "1970-01-01T13:30:00")
	f("h:mm a", "", "0:30 PM", no)
	f("h:mm a", "", "1:30 XM", no)
	f("K:mm a", "", "11:30 PM", "1970-01-01T23:30:00")
	f("k", "", "24", "1970-01-01T00:00:00")
	f("yy/M/d", "", "69/1/2", "2069-01-02T00:00:00")
	f("yy/M/d", "", "70/12/31", "1970-12-31T00:00:00")
	f("yyyy-DDD", "", "2024-366", "2024-12-31T00:00:00")
	f("yyyy-DDD", "", "2023-366", no)
	f("yyyy-MM-dd'T'HH:mm:ss.SSSX", "", "2024-02-29T01:02:03.5Z", "2024-02-29T01:02:03.5")
	f("yyyy-MM-dd'T'HH:mm:ssXXX", "", "2024-02-29T01:02:03-05:30", "2024-02-29T06:32:03")
	f("yyyy-MM-dd HH:mm:ss Z", "", "2024-02-29 01:02:03 +0100", "2024-02-29T00:02:03")
	f("yyyy-MM-dd HH:mm", "America/New_York", "2024-01-01 00:00", "2024-01-01T05:00:00")
	f("yyyy-MM-dd HH:mm", "America/New_York", "2024-07-01 00:00", "2024-07-01T04:00:00")
	f("yyyy-MM-dd HH:mm", "CET", "2024-07-01 00:00", "2024-06-30T23:00:00")
}

func TestCompilePatternRefuses(t *testing.T) {
	f := func(pattern, zone, want string) {
		t.Helper()
		if _, err := CompilePattern(pattern, zone); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", pattern, err, want)
		}
	}
	f("", "", `time pattern "": it is empty`)
	f("yyyy-ww", "", `time pattern "yyyy-ww": letter 'w' is not supported`)
	f("yyyy 'at", "", `time pattern "yyyy 'at": text without a closing apostrophe`)
	f("yyyyyyyyyy", "", `time pattern "yyyyyyyyyy": 10 letters 'y' in a row`)
	f("yyyy", "Local", `unknown time zone "Local"`)
}

func TestParseTimestamp(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	f := func(in string, loc *time.Location, want string) {
		t.Helper()
		got := "refused"
		if micros, ok := ParseTimestamp([]byte(in), loc); ok {
			got = time.UnixMicro(micros).UTC().Format(isoMicros)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	const no = "refused"
	f("2024-02-29", nil, "2024-02-29T00:00:00")
	f("2024-02-29T12:34", nil, "2024-02-29T12:34:00")
	f("2024-02-29t12:34:56z", nil, "2024-02-29T12:34:56")
	f("2024-02-29 12:34:56.9999999", nil, "2024-02-29T12:34:57")
	f("2024-02-29 12:34:56.1 +01", nil, "2024-02-29T11:34:56.1")
	f("2024-02-29 12:34:56-0130", nil, "2024-02-29T14:04:56")
	f("2024-02-29 12:34:56 UTC", nil, "2024-02-29T12:34:56")
	f("2024-02-29 24:00:00", nil, "2024-03-01T00:00:00")
	f("2024-02-29 23:59:60", nil, "2024-03-01T00:00:00")
	f("2024-07-01 12:00:00", berlin, "2024-07-01T10:00:00")
	f("2024-07-01 12:00:00Z", berlin, "2024-07-01T12:00:00")
	f("0001-01-01 00:00:00", nil, "0001-01-01T00:00:00")
	f("9999-12-31 23:59:59.999999", nil, "9999-12-31T23:59:59.999999")
	for _, in := range []string{"", "2024", "2024-02-30", "0000-01-01", "2024-02-29T", "2024-02-29 12", "2024-02-29 12:60",
		"2024-02-29 24:00:01", "2024-02-29 12:34:56.", "2024-02-29 12:34:56.1234567890", "2024-02-29 12:34:56 ",
		"2024-02-29 12:34:56+1", "2024-02-29 12:34:56+19:00", "2024-02-29 12:34:56 CET", "2024-02-29 12:34:56Zx", "2024-02-29x"} {
		f(in, nil, no)
	}
}

func TestParseTimeOfDay(t *testing.T) {
	f := func(in string, want int64) {
		t.Helper()
		got, ok := ParseTimeOfDay([]byte(in))
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
	f("00:00", 0)
	f("01:02:03.000004", 3_723_000_004)
	f("24:00:00", 86_400_000_000)
	f("24:01", -1)
	f("1:02", -1)
	f("01:02:03x", -1)
	f("", -1)
}

// TestCivilAgainstTime compares the calendar with package time.
func TestCivilAgainstTime(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		day := int64(r.IntN(3_652_059)) - 719_162 // years 1 to 9999
		want := time.Unix(day*86400, 0).UTC()
		if got := daysFromCivil(want.Year(), int(want.Month()), want.Day()); got != day {
			t.Fatalf("%s: day %d, want %d", want, got, day)
		}
		text := want.Format("2006-01-02")
		if got, ok := ParseDate([]byte(text)); !ok || int64(got) != day {
			t.Fatalf("ParseDate(%s): %d", text, got)
		}
	}
}

// FuzzPattern compares the two ways to read a pattern of digits, and looks for
// panics in all of them.
func FuzzPattern(f *testing.F) {
	f.Add("yyyy-MM-dd hh:mm:ss", "2026-11-24 12:00:00")
	f.Add("EEE MMM dd HH:mm:ss z yyyy", "Sat Jul 10 05:34:56 GMT 2021")
	f.Add("yyyyMMddHHmmssSSSZ", "20240229235959123+0100")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		p, err := CompilePattern(pattern, "")
		if err != nil {
			return
		}
		got, ok := p.Parse([]byte(text))
		slow := *p
		slow.size = 0
		want, wantOK := slow.Parse([]byte(text))
		if ok != wantOK || got != want {
			t.Errorf("%q of %q: %d %t, part by part %d %t", pattern, text, got, ok, want, wantOK)
		}
	})
}

// FuzzParseTimestamp compares what both accept with package time.
func FuzzParseTimestamp(f *testing.F) {
	f.Add("2024-02-29T12:34:56.123456Z")
	f.Add("2024-02-29 12:34:56+01:00")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := ParseTimestamp([]byte(text), nil)
		want, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || want.Year() < 1 || text[13] != ':' { // package time takes one digit of an hour
			return
		}
		if _, offset := want.Zone(); offset > 18*3600 || offset < -18*3600 {
			return
		}
		if fraction := digits([]byte(text), min(20, len(text))) - 20; !ok && fraction <= 9 {
			t.Fatalf("%q is refused", text)
		}
		if ok && got != want.Add(500).UnixMicro() {
			t.Errorf("%q: %d, want %d", text, got, want.UnixMicro())
		}
	})
}
