package run

import (
	"runtime"
	"runtime/debug"
)

// Environment tells what a run was made with, as far as that may bear on its
// numbers and its speed. It holds no host name, user name or path.
type Environment struct {
	Go       string `json:"go"`       // version of the toolchain, such as go1.26.1
	OS       string `json:"os"`       // GOOS
	Arch     string `json:"arch"`     // GOARCH
	CPUs     int    `json:"cpus"`     // logical CPUs usable by the process
	Module   string `json:"module"`   // path of the main module
	Version  string `json:"version"`  // its version, "(devel)" for a working tree
	Revision string `json:"revision"` // commit it was built from, "unknown" if the build left it out
	Modified bool   `json:"modified"` // the working tree held changes that are in no commit
}

// CurrentEnvironment describes the running program.
func CurrentEnvironment() Environment {
	env := Environment{
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(),
		Module: "unknown", Version: "unknown", Revision: "unknown",
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return env
	}
	env.Module, env.Version = info.Main.Path, info.Main.Version
	if env.Version == "" {
		env.Version = "(devel)" // A test binary has no version at all.
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			env.Revision = s.Value
		case "vcs.modified":
			env.Modified = s.Value == "true"
		}
	}
	return env
}
