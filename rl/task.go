package rl

import "relaxgo/rl/env"

// Task says when an environment counts as mastered.
type Task struct {
	// Threshold is the mean return of 100 episodes from which it does; nil: not defined.
	Threshold *float64
	// Goal says how an episode ends well.
	Goal Goal
}

// Goal says which end of an episode is a success.
type Goal int

// Goals.
const (
	NoGoal  Goal = iota // neither end is
	Arrive              // the episode terminates: Acrobot, Taxi
	Survive             // the episode lasts until the time limit: CartPole
)

// Succeeded tells whether an episode that ended so was a success.
func (g Goal) Succeeded(end env.Result) bool {
	switch g {
	case Arrive:
		return end.Terminated
	case Survive:
		return end.Truncated && !end.Terminated
	default:
		return false
	}
}

// taxiThreshold stands in for Gymnasium's 8, which is above the mean of the best policy, 7.93.
const taxiThreshold = 7.0

var tasks = map[string]Task{
	"Acrobot-v1":  {Goal: Arrive},
	"CartPole-v0": {Goal: Survive},
	"CartPole-v1": {Goal: Survive},
	"Taxi-v3":     {Goal: Arrive, Threshold: new(taxiThreshold)},
	"Taxi-v4":     {Goal: Arrive, Threshold: new(taxiThreshold)},

	"RainyTaxi-v4":       {Goal: Arrive},
	"FickleTaxi-v4":      {Goal: Arrive},
	"RainyFickleTaxi-v4": {Goal: Arrive},
}

// TaskOf is the task that a registered environment sets. Thresholds are those of the registry, but for Taxi: 7.
func TaskOf(id string) Task {
	t := tasks[id]
	if spec, err := env.Lookup(id); err == nil && t.Threshold == nil {
		t.Threshold = spec.RewardThreshold
	}
	return t
}

// shortNames are the environments that the commands know by a short name, too.
var shortNames = map[string]string{"acrobot": "Acrobot-v1", "cartpole": "CartPole-v1", "taxi": "Taxi-v3"}

// EnvID is the registered name for a short name such as cartpole; other names stay what they are.
func EnvID(name string) string {
	if id, ok := shortNames[name]; ok {
		return id
	}
	return name
}

// EnvName is the short name of an environment, if it has one.
func EnvName(id string) string {
	for name, of := range shortNames {
		if of == id {
			return name
		}
	}
	return id
}
