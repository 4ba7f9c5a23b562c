package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"relaxgo/internal/cli/clitest"
	"relaxgo/vae"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

// idx is a file of the IDX format: a type and sizes, then the bytes.
func idx(magic uint32, body []byte, sizes ...uint32) []byte {
	var b bytes.Buffer
	for _, n := range append([]uint32{magic}, sizes...) {
		_ = binary.Write(&b, binary.BigEndian, n) // A buffer takes everything.
	}
	return append(b.Bytes(), body...)
}

func gzipped(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(text)
	_ = z.Close()
	return b.Bytes()
}

// bars are the four files of a data set of upright and lying bars in images of 8×6 pixels.
func bars(train, test int) map[string][]byte {
	m := make(map[string][]byte)
	for stem, n := range map[string]int{"train": train, "t10k": test} {
		pixels, labels := make([]byte, 48*n), make([]byte, n)
		for i := range n {
			labels[i] = byte(i % 2)
			for j := range 48 {
				if i%2 == 0 && j%6 == i/2%6 || i%2 == 1 && j/6 == i/2%8 {
					pixels[48*i+j] = byte(200 + i%56)
				}
			}
		}
		m[stem+"-images-idx3-ubyte"] = idx(0x803, pixels, uint32(n), 8, 6)
		m[stem+"-labels-idx1-ubyte.gz"] = gzipped(idx(0x801, labels, uint32(n)))
	}
	return m
}

// directory is a new directory with these files.
func directory(t *testing.T, contents map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range contents {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func with(contents map[string][]byte, name string, text []byte) map[string][]byte {
	contents[name] = text
	return contents
}

func TestMistakes(t *testing.T) {
	truncated := gzipped(bytes.Repeat([]byte("0123456789"), 1000))
	file := filepath.Join(directory(t, map[string][]byte{"FILE": []byte("x")}), "FILE")
	const usage, failed = 2, 1
	tests := []struct {
		args      string
		code      int
		err, hint string // parts of the message and of the advice
	}{
		{"-relax=hardconcret", usage, `unknown -relax "hardconcret"`, `did you mean "hardconcrete"? known: hardconcrete, relaxedbernoulli`},
		{"-relax=vimco", usage, `unknown -relax "vimco"`, "known: hardconcrete, relaxedbernoulli"},
		{"-relax=", usage, `unknown -relax ""`, "known: hardconcrete"},
		{"-relax=../../x", usage, `unknown -relax "../../x"`, "known: hardconcrete"},
		{"-epoch=3", usage, "unknown flag -epoch", "did you mean -epochs?"},
		{"-tempreature=1", usage, "unknown flag -tempreature", "did you mean -temperature?"},
		{"-temperature=-1", usage, "-temperature=-1: must be positive", "-temperature=0.6667"},
		{"-temperature=0", usage, "-temperature=0: must be positive", "-temperature=0.6667"},
		{"-temperature=abc", usage, "-temperature=abc: not a number", "exp:1:0.5:4690"},
		{"-relax=straightthrough -temperature=1", usage, "straightthrough has no temperature", "leave -temperature out"},
		{"-kl=foo", usage, `unknown -kl "foo"`, "known: discrete, relaxed"},
		{"-kl=relax", usage, `unknown -kl "relax"`, `did you mean "relaxed"?`},
		{"-relax=straightthrough -kl=relaxed", usage, "straightthrough has one divergence only", "-kl=discrete"},
		{"-beta=-1", usage, "-beta=-1: needs a number from 0", "-beta=1"},
		{"-beta=x", usage, `-beta cannot be "x": want a number`, "-h lists"},
		{"-latent=20 -layers=200,200", usage, "-latent and -layers exclude each other", "-layers=200,200 is two"},
		{"-out=", usage, "-out", "-h lists"},
		{"-latent=0", usage, "-latent=0: needs 1 to", "-latent=20"},
		{"-latent=1.5", usage, `-latent cannot be "1.5": want a whole number`, "-h lists"},
		{"-batch=0", usage, "-batch=0: needs 1 to", "-batch=128"},
		{"-batch=70000", usage, "-batch=70000: there are 60000 training images", "-batch=60000 or less"},
		{"-train=100", usage, "-batch=128: there are 100 training images", "-batch=100 or less"},
		{"-train=70000", usage, "-train=70000: there are 60000 images", "-train=0"},
		{"-test=-1", usage, "-test=-1: needs 0 to", "-test=0"},
		{"-epochs=0", usage, "-epochs=0: needs 1 to", "-epochs=10"},
		{"-epochs", usage, "-epochs needs a value: -epochs=number", "-h lists"},
		{"-lr=nan", usage, "-lr=nan: not a number", "-lr=0.001"},
		{"-lr=", usage, "-lr=: not a number", "-lr=0.001"},
		{"-lr=1e300", usage, "-lr=1e300: must be from", "-lr=0.001"},
		{"-lr=linear:1e-3:0:100", usage, "-lr=linear:1e-3:0:100: must be positive", "-lr=0.001"},
		{"-binarize=foo", usage, `unknown -binarize "foo"`, "known: grey, static, dynamic, threshold"},
		{"-binarize=statik", usage, `unknown -binarize "statik"`, `did you mean "static"?`},
		{"-seed=-1", usage, `-seed cannot be "-1": want a whole number from 0`, "-h lists"},
		{"-seed=x", usage, `-seed cannot be "x": want a whole number from 0`, "-h lists"},
		{"-progress=no", usage, `-progress cannot be "no": want auto, on or off`, "-h lists"},
		{"hardconcrete", usage, `unexpected argument "hardconcrete"`, "-name=value"},
		{"-quick false", usage, `unexpected argument "false"`, "-name=value"},
		{"-resume -force", usage, "-resume and -force exclude each other", "-force begins again"},
		{"-cpuprofile=" + file + "/x", failed, "-cpuprofile: open", "name a file"},

		{"-out=" + file, failed, "FILE", "-out"},
		{"-out=" + file + "/x", failed, "not a directory", "-out"},
		{"-data=nowhere", failed, "nowhere", "give -data"},
		{"-data=" + file, failed, "not a folder", "give -data"},
		{"-data=" + directory(t, nil), failed, "train-images-idx3-ubyte", "the folder needs it"},
		{"-data=" + directory(t, with(bars(200, 30), "t10k-labels-idx1-ubyte.gz", truncated[:len(truncated)/2])), failed, "t10k-labels-idx1-ubyte.gz", "intact copy"},
		{"-data=" + directory(t, with(bars(200, 30), "train-images-idx3-ubyte", idx(0x802, make([]byte, 48), 1, 48))), failed, "magic number", "intact copy"},
		{"-data=" + directory(t, with(bars(200, 30), "train-images-idx3-ubyte", idx(0x803, make([]byte, 48), 1, 8, 6))), failed, "1 images, but", "same data set"},
		{"-data=" + directory(t, with(bars(200, 30), "train-images-idx3-ubyte", idx(0x803, make([]byte, 47), 1, 8, 6))), failed, "train-images-idx3-ubyte", "intact copy"},
	}
	if runtime.GOOS == "linux" {
		tests = append(tests, struct {
			args      string
			code      int
			err, hint string
		}{"-out=/proc/x", failed, "cannot create /proc/x/vae", "-out"})
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			o := clitest.Call(t, dir, strings.Fields(test.args)...)
			if o.Code != test.code {
				t.Errorf("exit code %d, want %d", o.Code, test.code)
			}
			if o.Stdout != "" {
				t.Errorf("stdout %q, want none", o.Stdout)
			}
			if left := clitest.Files(t, dir); len(left) > 0 {
				t.Errorf("files %q, want none", left)
			}
			lines := strings.Split(strings.TrimSuffix(o.Stderr, "\n"), "\n")
			if strings.HasPrefix(test.args, "-data=") { // the advice is in the same line
				lines = append(lines, "vae: hint: "+lines[0])
			}
			if len(lines) != 2 || !strings.HasPrefix(lines[0], "vae: error: ") || !strings.HasPrefix(lines[1], "vae: hint: ") {
				t.Fatalf("stderr %q, want a line with the error and one with a hint", o.Stderr)
			}
			if !strings.Contains(lines[0], test.err) || !strings.Contains(lines[1], test.hint) {
				t.Errorf("stderr %q, want it to say %q and %q", o.Stderr, test.err, test.hint)
			}
		})
	}
}

// TestDiverged is a mistake that training alone can find.
func TestDiverged(t *testing.T) {
	images, dir := directory(t, bars(200, 30)), t.TempDir()
	o := clitest.Call(t, dir, "-lr=1e25", "-data="+images)
	lines := strings.Split(o.Stderr, "\n")
	if o.Code != 1 || o.Stdout != "" || len(lines) != 5 ||
		!strings.HasPrefix(lines[2], "vae: error: step 2: ") || !strings.Contains(lines[2], "loss is NaN") ||
		lines[3] != "vae: hint: a smaller -lr or a higher -temperature usually keeps the loss finite; -force begins again" {
		t.Errorf("%+v", o)
	}
	const run = "results/vae/hardconcrete/seed-1/"
	if left := clitest.Files(t, dir); !slices.Equal(left, []string{run + "config.json", run + "metrics.csv"}) {
		t.Errorf("files %q, want configuration and metrics only", left)
	}
}

func TestHelp(t *testing.T) {
	dir := t.TempDir()
	o := clitest.Call(t, dir, "-h")
	if o.Code != 0 || o.Stderr != "" {
		t.Errorf("exit code %d, stderr %q", o.Code, o.Stderr)
	}
	for _, line := range strings.Split(o.Stdout, "\n") {
		if n := len([]rune(line)); n > 80 {
			t.Errorf("line of %d characters: %s", n, line)
		}
	}
	for _, part := range append(vae.MethodNames(), "Usage:", "Examples:", "Exit codes:", "-relax=method", "-version") {
		if !strings.Contains(o.Stdout, part) {
			t.Errorf("help does not say %q", part)
		}
	}
	if strings.Contains(o.Stdout, "Other flags") {
		t.Errorf("a flag is in no group:\n%s", o.Stdout)
	}

	o = clitest.Call(t, dir, "-list")
	if lines := strings.Split(strings.TrimSpace(o.Stdout), "\n"); o.Code != 0 || o.Stderr != "" || len(lines) != len(vae.Methods()) {
		t.Errorf("-list: exit code %d, stdout %q, stderr %q", o.Code, o.Stdout, o.Stderr)
	} else {
		for i, m := range vae.Methods() {
			if !strings.HasPrefix(lines[i], m.Name+" ") || !strings.Contains(lines[i], m.Summary) || !strings.Contains(lines[i], m.Source) {
				t.Errorf("-list: %q, want name, summary and source of %s", lines[i], m.Name)
			}
		}
	}
	if o = clitest.Call(t, dir, "-version"); o.Code != 0 || o.Stderr != "" || !strings.HasPrefix(o.Stdout, "vae: relaxgo ") {
		t.Errorf("-version: %+v", o)
	}
	if left := clitest.Files(t, dir); len(left) > 0 {
		t.Errorf("files %q, want none", left)
	}
}

// runFiles are what help says that a run leaves.
var runFiles = []string{
	"checkpoint.safetensors", "config.json", "curves.png", "curves.svg", "images.safetensors", "metrics.csv",
	"reconstruction.png", "reconstruction.svg", "samples.png", "samples.svg", "summary.json",
}

// TestRun goes through the life of a run on images of another size than MNIST's.
func TestRun(t *testing.T) {
	images, dir := directory(t, bars(200, 30)), t.TempDir()
	o := clitest.Call(t, dir, "-quick", "-data="+images, "-relax=gumbelsoftmax", "-seed=7")
	if o.Code != 0 {
		t.Fatalf("%+v", o)
	}
	var want []string
	for _, name := range runFiles {
		want = append(want, "results/vae/gumbelsoftmax/seed-7-quick/"+name)
	}
	if left := clitest.Files(t, dir); !slices.Equal(left, want) {
		t.Errorf("files %q, want %q", left, want)
	}
	help := clitest.Call(t, dir, "-h").Stdout
	for _, name := range runFiles {
		stem, ext, _ := strings.Cut(name, ".")
		if !strings.Contains(help, name) && (!strings.Contains(help, stem) || !strings.Contains(help, "."+ext)) {
			t.Errorf("help does not speak of %s", name)
		}
	}
	if !regexp.MustCompile(`^test_loss +\d+\.\d\d .*\ntest_nelbo +\d.*\ntest_nll +\d.*\nms_per_step +\d.* 2 steps .*\nfiles +results/vae/gumbelsoftmax/seed-7-quick\n$`).MatchString(o.Stdout) {
		t.Errorf("stdout %q", o.Stdout)
	}
	if !regexp.MustCompile(`^training gumbelsoftmax, seed 7, on 200 images\nepoch 1/1  step 1/2 .*\nepoch 1/1  train .*\n$`).MatchString(o.Stderr) {
		t.Errorf("stderr %q", o.Stderr)
	}
	run := filepath.Join(dir, "results/vae/gumbelsoftmax/seed-7-quick")
	text, err := os.ReadFile(filepath.Join(run, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	var summary map[string]any
	if err := json.Unmarshal(text, &summary); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"relax", "seed", "epochs", "steps", "test_loss", "test_nelbo", "test_nll", "train_seconds", "ms_per_step"} {
		if _, ok := summary[key]; !ok {
			t.Errorf("summary.json has no %s", key)
		}
	}

	// What is there is not touched without -force.
	printed := o.Stdout
	before := contents(t, run)
	for _, test := range []struct{ flags, err, hint string }{
		{"-progress=auto", "holds a finished run", "-force"},
		{"-resume -epochs=2", "already finished", "-force"},
	} {
		o = clitest.Call(t, dir, append(strings.Fields(test.flags), "-quick", "-data="+images, "-relax=gumbelsoftmax", "-seed=7")...)
		if o.Code != 1 || o.Stdout != "" || !strings.Contains(o.Stderr, test.err) || !strings.Contains(o.Stderr, test.hint) || strings.Count(o.Stderr, "\n") != 2 {
			t.Errorf("%s: %+v", test.flags, o)
		}
		if after := contents(t, run); after != before {
			t.Errorf("%s has changed the run", test.flags)
		}
	}
	// A finished run that lacks its pictures gets them, and nothing else is done.
	if err := os.Remove(filepath.Join(run, "samples.png")); err != nil {
		t.Fatal(err)
	}
	if again := clitest.Call(t, dir, "-quick", "-data="+images, "-relax=gumbelsoftmax", "-seed=7", "-resume"); again.Code != 0 || again.Stdout != printed {
		t.Errorf("-resume of a finished run: %+v", again)
	}
	if after := contents(t, run); after != before {
		t.Error("-resume of a finished run has not drawn what was missing, or has changed the run")
	}
	if o = clitest.Call(t, dir, "-quick", "-data="+images, "-relax=gumbelsoftmax", "-seed=7", "-force", "-beta=2"); o.Code != 0 {
		t.Errorf("-force: %+v", o)
	}
	if after := contents(t, run); after == before {
		t.Error("-force has not begun again")
	}
	// There is nothing to resume: the run begins.
	if o = clitest.Call(t, dir, "-quick", "-data="+images, "-resume", "-progress=off"); o.Code != 0 {
		t.Errorf("-resume of nothing: %+v", o)
	}
}

func contents(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for _, name := range clitest.Files(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %q\n", name, text)
	}
	return b.String()
}

// TestInterrupt stops a run by Ctrl-C in its second epoch and continues it.
func TestInterrupt(t *testing.T) {
	images := directory(t, bars(3000, 30))
	args := []string{"-data=" + images, "-batch=5", "-epochs=3", "-hidden=100", "-relax=straightthrough", "-binarize=dynamic"}
	undisturbed, dir := t.TempDir(), t.TempDir()
	want := clitest.Call(t, undisturbed, args...)
	if want.Code != 0 {
		t.Fatalf("%+v", want)
	}
	const run = "results/vae/straightthrough/seed-1"

	o := clitest.Interrupt(t, dir, func(lines []string) bool {
		return strings.HasPrefix(lines[len(lines)-1], "epoch 1/3  train")
	}, args...)
	if o.Code != 130 || o.Stdout != "" || !strings.HasSuffix(o.Stderr, "\nvae: interrupted, saved in "+filepath.FromSlash(run)+"\nvae: hint: the same command with -resume continues\n") {
		t.Errorf("%+v", o)
	}
	if left := clitest.Files(t, filepath.Join(dir, run)); !slices.Equal(left, []string{"checkpoint.safetensors", "config.json", "metrics.csv"}) {
		t.Errorf("files %q", left)
	}

	if o := clitest.Call(t, dir, append(args[1:], "-resume")...); o.Code != 2 || !strings.Contains(o.Stderr, "not the images that the run was begun with") {
		t.Errorf("resumed on other images: %+v", o)
	}
	o = clitest.Call(t, dir, append(args, "-resume")...)
	if o.Code != 0 {
		t.Fatalf("%+v", o)
	}
	results := func(stdout string) string { // what does not depend on the clock
		before, _, _ := strings.Cut(stdout, "ms_per_step")
		return before
	}
	if results(o.Stdout) != results(want.Stdout) {
		t.Errorf("results %q, want %q", o.Stdout, want.Stdout)
	}
	metrics := func(dir string) string {
		text, err := os.ReadFile(filepath.Join(dir, run, "metrics.csv"))
		if err != nil {
			t.Fatal(err)
		}
		return regexp.MustCompile(`(?m)^(\d+,\d+),[\d.]+,`).ReplaceAllString(string(text), "$1,,")
	}
	if got, want := metrics(dir), metrics(undisturbed); got != want {
		t.Errorf("metrics\n%s\nwant\n%s", got, want)
	}
	if got, want := clitest.Files(t, dir), clitest.Files(t, undisturbed); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

// TestAgain holds the command in the captions to the flags that bear on the numbers of a method.
func TestAgain(t *testing.T) {
	cfg, opt := vae.DefaultConfig(), options{}
	fs := flags(&cfg, &opt)
	if err := fs.Parse([]string{"-seed=3", "-out=x", "-quick", "-progress=off", "-data=fashion", "-resume", "-lr=cosine:1e-3:1e-5:4690", "-force", "-corr=0.3", "-relax=all"}); err != nil {
		t.Fatal(err)
	}
	j := job{cfg: cfg}
	fs.Visit(func(f *flag.Flag) { j.given = append(j.given, f) })
	for method, want := range map[string]string{
		"hardconcrete": "go run ./cmd/vae -relax=hardconcrete -data=fashion -lr=cosine:1e-3:1e-5:4690 -quick -seed=3",
		"correlated":   "go run ./cmd/vae -relax=correlated -corr=0.3 -data=fashion -lr=cosine:1e-3:1e-5:4690 -quick -seed=3",
		everything:     "go run ./cmd/vae -relax=all -corr=0.3 -data=fashion -lr=cosine:1e-3:1e-5:4690 -quick -seed=3",
	} {
		if got := j.again(method); got != want {
			t.Errorf("%s: got %q, want %q", method, got, want)
		}
	}
}

// TestCompare trains two methods and compares them, then a third one: what is there is not trained again, an interrupted
// run is continued.
func TestCompare(t *testing.T) {
	dir := t.TempDir()
	data := directory(t, bars(40, 20))
	args := func(relax string) []string {
		return []string{"-relax=" + relax, "-data=" + data, "-epochs=2", "-batch=10", "-hidden=8", "-latent=4", "-iw=5", "-corr=0.2", "-progress=off"}
	}
	first := clitest.Call(t, dir, args("correlated,poisson")...)
	if first.Code != 0 {
		t.Fatalf("exit code %d: %s", first.Code, first.Stderr)
	}
	for _, want := range []string{"method", "correlated", "poisson", "compare-correlated-poisson"} {
		if !strings.Contains(first.Stdout, want) {
			t.Errorf("stdout does not say %q: %s", want, first.Stdout)
		}
	}
	summary := func() string {
		text, err := os.ReadFile(filepath.Join(dir, "results/vae/poisson/seed-1/summary.json"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := summary()
	second := clitest.Call(t, dir, args("poisson,sts,correlated")...)
	if second.Code != 0 {
		t.Fatalf("exit code %d: %s", second.Code, second.Stderr)
	}
	if summary() != before {
		t.Error("a finished run was trained again")
	}
	if strings.Contains(second.Stderr, "training poisson") || !strings.Contains(second.Stderr, "training sts") {
		t.Errorf("stderr: %s", second.Stderr)
	}
	text, err := os.ReadFile(filepath.Join(dir, "results/vae/compare-poisson-sts-correlated.csv"))
	if err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, row := range table {
		names = append(names, row[0])
	}
	if want := []string{"method", "correlated", "sts", "poisson"}; !slices.Equal(names, want) {
		t.Errorf("compare.csv has the rows %q, want %q in the order of the registry", names, want)
	}
	for _, name := range []string{"curves-poisson-sts-correlated.png", "curves-poisson-sts-correlated.svg", "methods-poisson-sts-correlated.png", "methods-poisson-sts-correlated.svg"} {
		if _, err := os.Stat(filepath.Join(dir, "results/vae", name)); err != nil {
			t.Error(err)
		}
	}
}

// TestCorrelationFile trains with a correlation matrix from a file, and refuses what is none.
func TestCorrelationFile(t *testing.T) {
	data := directory(t, bars(40, 20))
	for _, test := range []struct {
		matrix string
		code   int
		says   string
	}{
		{"# neighbours\n1,0.5\n0.5,1\n", 0, "test_nelbo"},
		{"1,0.5\n0.4,1\n", 2, "symmetric"},
		{"1,2\n2,1\n", 2, "positive definite"},
		{"1,0.5\n0.5,two\n", 2, `row 2, column 2: "two" is not a number`},
		{"1,0.5\n0.5\n", 2, "wrong number of fields"},
		{"1\n", 2, "-latent=1 fits it"},
		{"", 2, "the file is empty"},
	} {
		dir := directory(t, map[string][]byte{"r.csv": []byte(test.matrix)})
		o := clitest.Call(t, dir, "-relax=correlated", "-corr=r.csv", "-data="+data, "-epochs=1", "-batch=10", "-hidden=8", "-latent=2", "-iw=5", "-progress=off")
		if o.Code != test.code || !strings.Contains(o.Stdout+o.Stderr, test.says) {
			t.Errorf("%q: exit code %d, want %d and %q: %s%s", test.matrix, o.Code, test.code, test.says, o.Stdout, o.Stderr)
		}
		if test.code != 0 && len(clitest.Files(t, dir)) != 1 {
			t.Errorf("%q: files %q", test.matrix, clitest.Files(t, dir))
		}
	}
}
