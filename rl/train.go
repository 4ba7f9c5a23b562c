package rl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"relaxgo/internal/program"
	"relaxgo/internal/run"
)

// Options says how a run treats its directory and whom it tells about its progress.
type Options struct {
	Force  bool        // begin again if the directory holds a run
	Resume bool        // continue an interrupted run
	Report func(Event) // called during the run, often; may be nil
}

// Event tells how far a run is.
type Event struct {
	Step, Steps       int         // of the environment so far, and in all; 0: no limit
	Episode, Episodes int         // likewise
	Return            float64     // mean of the last episodes, 100 at most; NaN before the first has ended
	StepsPerSecond    float64     // so far
	Evaluation        *Evaluation // if one has just been made: with the greedy policy
}

// Summary is the outcome of a run: summary.json.
type Summary struct {
	Env         string     `json:"env"`
	Agent       string     `json:"agent"`
	Seed        uint64     `json:"seed"`
	Steps       int        `json:"steps"` // of the environment
	Episodes    int        `json:"episodes"`
	Updates     int        `json:"updates"`
	TrainReturn *float64   `json:"train_return"` // mean of the last training episodes, 100 at most; nil: none has ended
	Greedy      Evaluation `json:"greedy"`       // the most probable actions, after training
	Sampled     Evaluation `json:"sampled"`      // actions drawn from the policy, after training

	// ThresholdSteps and ThresholdEpisodes say when the mean return of the last 100 training episodes first reached the
	// threshold of the task; nil: never, or there is none.
	ThresholdSteps    *int     `json:"threshold_steps"`
	ThresholdEpisodes *int     `json:"threshold_episodes"`
	GradLogVar        *float64 `json:"grad_logvar"` // after training, see metrics.csv; nil: not measured
	TrainSeconds      float64  `json:"train_seconds"`
	StepsPerSecond    float64  `json:"steps_per_second"` // of training, updates included, evaluation left out
	WallSeconds       float64  `json:"wall_seconds"`     // of the whole run
	Parameters        int      `json:"parameters"`
}

// ReadSummary reads the outcome of the finished run in the directory dir.
func ReadSummary(dir string) (Summary, error) {
	var s Summary
	path := filepath.Join(dir, run.SummaryFile)
	err := readJSON(path, &s)
	if err == nil && (s.Env == "" || s.Agent == "" || s.Steps < 1) {
		err = fmt.Errorf("%s is no summary of a run", path)
	}
	if err != nil {
		return Summary{}, &spoilt{err}
	}
	return s, nil
}

// spoilt is a finished run without its summary.
type spoilt struct{ error }

func (e *spoilt) Unwrap() error { return e.error }
func (e *spoilt) Hint() string {
	return "without that file, training with -resume makes it again from the checkpoint"
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		err = pathErr.Err // The path is said below.
	}
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", path, err)
	}
	return nil
}

// ErrFinished says that the run to be resumed is finished already.
var ErrFinished = run.ErrFinished

// Train trains an agent and keeps the run in the directory dir: config.json, metrics.csv, checkpoint.safetensors and, at
// the very end, summary.json. In metrics.csv, step counts steps of the environment and epoch counts updates; each training
// episode has a row at the end of the update it ended in, and other numbers of training are means since the row before.
//
// When ctx is cancelled the run saves a checkpoint after the update under way and returns an error that wraps ctx.Err();
// with Options.Resume it continues from there to the same numbers that it would have reached undisturbed. There is one
// exception: A2C interrupts its episodes, and in an environment that is no env.Saver it begins new ones when it is resumed.
// Numbers that are not finite any more end the run with an error, whether they are the policy's or the environment's. A
// configuration that makes no sense is a *ConfigError, and then nothing is written.
func Train(ctx context.Context, cfg Config, dir string, opt Options) (Summary, error) {
	t, err := newTrainer(cfg)
	if err != nil {
		return Summary{}, err
	}
	t.report = opt.Report
	d, err := run.Create(dir, run.Options{Config: t.Config, Force: opt.Force, Resume: opt.Resume, Extent: []string{"steps", "episodes"}})
	if err != nil {
		return Summary{}, err
	}
	defer d.Close()
	if d.Resumed() {
		err = t.resume(d)
	} else {
		t.metrics, err = run.CreateMetrics(d.Path(run.MetricsFile))
	}
	if err != nil {
		return Summary{}, err
	}
	summary, err := t.run(ctx, d)
	return summary, errors.Join(err, t.metrics.Close())
}

// recentEpisodes is how many of the last episodes decide whether a task is mastered.
const recentEpisodes = 100

// evaluators is how many environments an evaluation runs side by side, at most.
const evaluators = 16

// The rows of metrics.csv that there is one of for each training episode.
const (
	splitTrain = "train"
	rowReturn  = "episode_return"
)

// trainer is a run under way.
type trainer struct {
	*learner
	agent   agent
	judge   *player // for everything but training
	metrics *run.Metrics
	report  func(Event)
	at      progress
}

// progress is what a checkpoint keeps beside the agent. All randomness is a function of the seed and of the counts.
type progress struct {
	Step, Updates, Episodes           int
	Recent                            []float64 // returns of the last episodes, the oldest first
	ThresholdSteps, ThresholdEpisodes *int
	Since                             tally // the last rows of training
	Measured                          int   // the step up to which everything that was due has been measured
	Complete                          bool  // the rows of the final evaluation are written
	TrainTime                         time.Duration
}

// tally adds up what happened since the last rows of training.
type tally struct {
	Episodes, Successes int
	Length              float64
	Numbers             []total
}

// total is the sum of a quantity over updates.
type total struct {
	Name  string
	Sum   float64
	Count int
}

// add counts a quantity; one that is not defined for an update, NaN, is left out.
func (t *tally) add(q quantity) {
	if math.IsNaN(q.value) || math.IsInf(q.value, 0) {
		return
	}
	for i := range t.Numbers {
		if n := &t.Numbers[i]; n.Name == q.name {
			n.Sum, n.Count = n.Sum+q.value, n.Count+1
			return
		}
	}
	t.Numbers = append(t.Numbers, total{q.name, q.value, 1})
}

func newTrainer(cfg Config) (*trainer, error) {
	p, err := cfg.resolve()
	if err != nil {
		return nil, err
	}
	t := &trainer{}
	if t.agent, t.learner, err = newAgent(p); err != nil {
		return nil, err
	}
	t.judge, err = t.newPlayer(p.Env, p.Seed, min(evaluators, max(p.EvalEpisodes, p.FinalEpisodes, p.VarianceEpisodes)))
	return t, err
}

// over tells whether training has come to its end.
func (t *trainer) over() bool {
	return t.Steps > 0 && t.at.Step >= t.Steps || t.Episodes > 0 && t.at.Episodes >= t.Episodes
}

// run trains from where progress stands to the end.
func (t *trainer) run(ctx context.Context, d *run.Dir) (Summary, error) {
	t.judge.interrupted = ctx.Err
	s, err := t.proceed(ctx, d)
	switch {
	case err == nil:
		return s, nil
	case ctx.Err() == nil || !errors.Is(err, ctx.Err()):
		return Summary{}, t.explain(err)
	}
	if t.at.Updates > 0 { // a run that has not begun begins again
		if err := t.save(d); err != nil {
			return Summary{}, err
		}
	}
	return Summary{}, fmt.Errorf("stopped after step %d: %w", t.at.Step, ctx.Err())
}

// proceed is run without what an interruption or an error takes. Measurements change nothing before they are complete, so
// that a run that is interrupted in the middle of them makes them again.
func (t *trainer) proceed(ctx context.Context, d *run.Dir) (Summary, error) {
	if t.at.Updates == 0 {
		v, err := t.variance(0)
		if err != nil {
			return Summary{}, err
		}
		t.row(splitTrain, "grad_logvar", v)
	}
	for {
		if err := t.measure(d); err != nil {
			return Summary{}, err
		}
		if t.over() {
			return t.finish(d)
		}
		if err := ctx.Err(); err != nil {
			return Summary{}, err
		}
		if err := t.update(); err != nil {
			return Summary{}, err
		}
		t.tell(nil)
	}
}

// update lets the agent learn once and keeps the count.
func (t *trainer) update() error {
	start := time.Now()
	x, err := t.agent.learn(t.at.Updates, t.at.Step)
	if err != nil {
		return err
	}
	t.at.TrainTime += time.Since(start)
	t.at.Step += x.steps
	t.at.Updates++
	since := &t.at.Since
	for _, q := range x.numbers {
		since.add(q)
	}
	for _, e := range x.episodes {
		t.row(splitTrain, rowReturn, e.Return)
		since.Episodes++
		since.Length += float64(e.Length)
		if e.Success {
			since.Successes++
		}
		t.at.Episodes++
		if len(t.at.Recent) == recentEpisodes {
			t.at.Recent = append(t.at.Recent[:0], t.at.Recent[1:]...)
		}
		t.at.Recent = append(t.at.Recent, e.Return)
		if to := t.task.Threshold; to != nil && t.at.ThresholdSteps == nil && len(t.at.Recent) == recentEpisodes && mean(t.at.Recent) >= *to {
			t.at.ThresholdSteps, t.at.ThresholdEpisodes = new(t.at.Step), new(t.at.Episodes)
		}
	}
	return nil
}

func (t *trainer) tell(v *Evaluation) {
	if t.report == nil {
		return
	}
	t.report(Event{
		Step: t.at.Step, Steps: t.Steps, Episode: t.at.Episodes, Episodes: t.Episodes,
		Return: mean(t.at.Recent), StepsPerSecond: float64(t.at.Step) / t.at.TrainTime.Seconds(), Evaluation: v,
	})
}

// measure writes the rows that are due, and a checkpoint with every evaluation.
func (t *trainer) measure(d *run.Dir) (err error) {
	due := func(every int) bool { return every > 0 && t.at.Step/every > t.at.Measured/every }
	log, evaluation, logvar := due(t.LogEvery), due(t.EvalEvery), math.NaN()
	if due(t.VarianceEvery) {
		if logvar, err = t.variance(t.at.Updates); err != nil {
			return err
		}
	}
	var greedy, sampled Evaluation
	if evaluation {
		if greedy, sampled, err = t.evaluate("evaluation", t.EvalEpisodes); err != nil {
			return err
		}
	}
	if log {
		t.writeTraining()
	}
	t.row(splitTrain, "grad_logvar", logvar)
	t.at.Measured = t.at.Step
	if !evaluation {
		return nil
	}
	t.writeEvaluation("eval", greedy, sampled)
	t.tell(&greedy)
	return t.save(d)
}

// variance is that of the gradient, see gradientLogVar; NaN if it is not to be measured.
func (t *trainer) variance(counter int) (float64, error) {
	if t.VarianceEpisodes == 0 {
		return math.NaN(), nil
	}
	return gradientLogVar(t.agent, t.judge, counter, t.VarianceEpisodes)
}

// row adds a row for the present step; numbers that are not defined are left out.
func (t *trainer) row(split, name string, value float64) {
	if !math.IsNaN(value) { // such as the variance of a gradient that nothing touches
		t.metrics.Add(t.at.Step, t.at.Updates, split, name, value)
	}
}

// writeTraining writes means over what happened since the last time.
func (t *trainer) writeTraining() {
	s := &t.at.Since
	if n := float64(s.Episodes); n > 0 {
		t.row(splitTrain, "length", s.Length/n)
		if t.task.Goal != NoGoal {
			t.row(splitTrain, "success", float64(s.Successes)/n)
		}
	}
	t.row(splitTrain, "episodes", float64(t.at.Episodes))
	for _, q := range s.Numbers {
		t.row(splitTrain, q.Name, q.Sum/float64(q.Count))
	}
	*s = tally{}
}

func (t *trainer) evaluate(purpose string, n int) (greedy, sampled Evaluation, err error) {
	if greedy, err = t.judge.evaluate(purpose+"/greedy", n, true, t.task.Goal); err != nil {
		return
	}
	sampled, err = t.judge.evaluate(purpose+"/sampled", n, false, t.task.Goal)
	return
}

func (t *trainer) writeEvaluation(split string, greedy, sampled Evaluation) {
	for _, v := range []struct {
		name string
		Evaluation
	}{{"greedy", greedy}, {"sampled", sampled}} {
		t.row(split, v.name+"_return", v.Return)
		t.row(split, v.name+"_length", v.Length)
		if t.task.Goal != NoGoal {
			t.row(split, v.name+"_success", v.Success)
		}
	}
}

// finish evaluates the trained policy and writes what a finished run leaves behind, the summary last.
func (t *trainer) finish(d *run.Dir) (Summary, error) {
	greedy, sampled, err := t.evaluate("final", t.FinalEpisodes)
	if err != nil {
		return Summary{}, err
	}
	logvar, err := t.variance(-1)
	if err != nil {
		return Summary{}, err
	}
	if !t.at.Complete { // it is if a process was killed between the checkpoint and the summary
		t.writeTraining()
		t.writeEvaluation("final", greedy, sampled)
		t.row(splitTrain, "grad_logvar", logvar)
		t.at.Complete = true
		if err := t.save(d); err != nil {
			return Summary{}, err
		}
	}
	s := Summary{
		Env: t.Env, Agent: t.Agent, Seed: t.Seed, Steps: t.at.Step, Episodes: t.at.Episodes, Updates: t.at.Updates,
		Greedy: greedy, Sampled: sampled,
		ThresholdSteps: t.at.ThresholdSteps, ThresholdEpisodes: t.at.ThresholdEpisodes,
		TrainSeconds: t.at.TrainTime.Seconds(), StepsPerSecond: float64(t.at.Step) / t.at.TrainTime.Seconds(),
		WallSeconds: t.metrics.Elapsed().Seconds(), Parameters: t.params.Count(),
	}
	if len(t.at.Recent) > 0 {
		s.TrainReturn = new(mean(t.at.Recent))
	}
	if !math.IsNaN(logvar) {
		s.GradLogVar = &logvar
	}
	return s, run.WriteJSON(d.Path(run.SummaryFile), struct {
		Summary
		Environment run.Environment `json:"environment"`
	}{s, run.CurrentEnvironment()})
}

// explain says where training failed and, if its numbers are not finite any more, what helps.
func (t *trainer) explain(err error) error {
	err = fmt.Errorf("after step %d: %w", t.at.Step, err)
	if errors.As(err, new(*program.NonFiniteError)) {
		return &diverged{err}
	}
	return err
}

// diverged is a run whose numbers are not finite any more.
type diverged struct{ error }

func (e *diverged) Unwrap() error { return e.error }
func (e *diverged) Hint() string {
	return "a smaller -lr, or clipping with -max-norm, usually keeps the numbers finite; -force begins again"
}

// mean is NaN if there is nothing.
func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
