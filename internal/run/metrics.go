package run

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"
	"time"
)

const metricsHeader = "step,epoch,wall_s,split,name,value"

// Row is one line of metrics.csv.
type Row struct {
	Step, Epoch int
	Wall        float64 // seconds of running time so far, pauses between resumptions left out
	Split       string  // what it was measured on, such as "train" or "test"
	Name        string  // what was measured, such as "elbo"
	Value       float64
}

// Metrics appends rows to metrics.csv. Every column but wall_s depends on the
// arguments of Add alone, so that equal runs have equal bytes there; values are
// written with the fewest digits that read back as the same float64.
type Metrics struct {
	file   *os.File
	out    *bufio.Writer
	line   []byte
	step   int // of the last row
	before time.Duration
	start  time.Time
	now    func() time.Time
	err    error
}

// CreateMetrics begins an empty metrics file at path, in place of any other.
func CreateMetrics(path string) (*Metrics, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, failed("write", path, err)
	}
	m := newMetrics(f, 0, 0)
	m.line = append(m.line, metricsHeader+"\n"...)
	m.write()
	if err := m.Flush(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return m, nil
}

// ContinueMetrics opens the metrics file of an interrupted run whose checkpoint
// was taken at the given step after the given running time. Rows of later steps
// are cut off: the resumed run writes them again.
func ContinueMetrics(path string, step int, elapsed time.Duration) (*Metrics, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, failed("read", path, err)
	}
	keep := len(metricsHeader) + 1
	for row, err := range scanMetrics(string(text)) {
		if err != nil {
			return nil, hinted{failed("continue", path, err), "-force to start again"}
		}
		if row.Step > step {
			break
		}
		keep = row.end
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, failed("write", path, err)
	}
	if err := f.Truncate(int64(keep)); err != nil {
		return nil, errors.Join(failed("write", path, err), f.Close())
	}
	if _, err := f.Seek(int64(keep), io.SeekStart); err != nil {
		return nil, errors.Join(failed("write", path, err), f.Close())
	}
	return newMetrics(f, step, elapsed), nil
}

func newMetrics(f *os.File, step int, elapsed time.Duration) *Metrics {
	return &Metrics{
		file: f, out: bufio.NewWriterSize(f, 1<<16),
		step: step, before: elapsed, start: time.Now(), now: time.Now,
	}
}

// Add appends a row. Steps never decrease, and split and name hold no comma,
// quote or line break. The row is in a buffer until [Metrics.Flush], which also
// reports what was wrong with it.
//
// All rows of a step are added before the checkpoint of that step is taken, as
// those added after it would come twice in a resumed run.
func (m *Metrics) Add(step, epoch int, split, name string, value float64) {
	switch {
	case m.err != nil:
		return
	case step < m.step:
		m.err = fmt.Errorf("cannot write %s: step %d after step %d", m.file.Name(), step, m.step)
		return
	case epoch < 0 || !isLabel(split) || !isLabel(name):
		m.err = fmt.Errorf("cannot write %s: bad row: epoch %d, split %q, name %q", m.file.Name(), epoch, split, name)
		return
	}
	m.step = step
	b := strconv.AppendInt(m.line, int64(step), 10)
	b = strconv.AppendInt(append(b, ','), int64(epoch), 10)
	b = strconv.AppendFloat(append(b, ','), m.Elapsed().Seconds(), 'f', 3, 64)
	b = append(append(b, ','), split...)
	b = append(append(b, ','), name...)
	b = strconv.AppendFloat(append(b, ','), value, 'g', -1, 64)
	m.line = append(b, '\n')
	m.write()
}

func (m *Metrics) write() {
	if _, err := m.out.Write(m.line); err != nil {
		m.err = failed("write", m.file.Name(), err)
	}
	m.line = m.line[:0]
}

// Elapsed is the running time so far, to be saved with a checkpoint.
func (m *Metrics) Elapsed() time.Duration { return m.before + m.now().Sub(m.start) }

// Flush brings all rows to disk and returns the first error there has been. It
// is called before a checkpoint is written, so that no checkpoint is ahead of
// its metrics.
func (m *Metrics) Flush() error {
	if m.err == nil {
		if err := errors.Join(m.out.Flush(), m.file.Sync()); err != nil {
			m.err = failed("write", m.file.Name(), err)
		}
	}
	return m.err
}

// Close flushes and closes the file.
func (m *Metrics) Close() error {
	err := m.Flush()
	if closeErr := m.file.Close(); closeErr != nil && err == nil {
		err = failed("write", m.file.Name(), closeErr)
	}
	return err
}

// ReadMetrics reads the metrics file at path. A last line without its line
// break, which a run under way or a killed one may leave, is left out; any
// other line that is not a row is an error that names file and line.
func ReadMetrics(path string) ([]Row, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, failed("read", path, err)
	}
	var rows []Row
	for row, err := range scanMetrics(string(text)) {
		if err != nil {
			return nil, failed("read", path, err)
		}
		rows = append(rows, row.Row)
	}
	return rows, nil
}

// scanned is a row and the offset at which its line ends.
type scanned struct {
	Row
	end int
}

// scanMetrics goes through the complete lines of text, header apart. It ends
// with the first error.
func scanMetrics(text string) iter.Seq2[scanned, error] {
	return func(yield func(scanned, error) bool) {
		header, _, complete := strings.Cut(text, "\n")
		if !complete || header != metricsHeader {
			yield(scanned{}, errors.New("line 1 is not "+metricsHeader))
			return
		}
		end := len(header) + 1
		for number := 2; ; number++ {
			line, _, complete := strings.Cut(text[end:], "\n")
			if !complete {
				return
			}
			end += len(line) + 1
			row, err := parseRow(line)
			if err != nil {
				yield(scanned{}, fmt.Errorf("line %d: %w", number, err))
				return
			}
			if !yield(scanned{row, end}, nil) {
				return
			}
		}
	}
}

func parseRow(line string) (Row, error) {
	fields := strings.Split(line, ",")
	if len(fields) != 6 {
		return Row{}, fmt.Errorf("%d columns, want 6", len(fields))
	}
	step, err1 := strconv.Atoi(fields[0])
	epoch, err2 := strconv.Atoi(fields[1])
	wall, err3 := strconv.ParseFloat(fields[2], 64)
	value, err4 := strconv.ParseFloat(fields[5], 64)
	switch {
	case err1 != nil || step < 0:
		return Row{}, fmt.Errorf("bad step %q", fields[0])
	case err2 != nil || epoch < 0:
		return Row{}, fmt.Errorf("bad epoch %q", fields[1])
	case err3 != nil || !(wall >= 0):
		return Row{}, fmt.Errorf("bad wall_s %q", fields[2])
	case !isLabel(fields[3]):
		return Row{}, fmt.Errorf("bad split %q", fields[3])
	case !isLabel(fields[4]):
		return Row{}, fmt.Errorf("bad name %q", fields[4])
	case err4 != nil:
		return Row{}, fmt.Errorf("bad value %q", fields[5])
	}
	return Row{step, epoch, wall, fields[3], fields[4], value}, nil
}

// isLabel tells whether s can stand in a CSV column without quotes.
func isLabel(s string) bool { return s != "" && !strings.ContainsAny(s, ",\"\r\n") }
