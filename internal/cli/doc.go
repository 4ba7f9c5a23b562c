// Package cli is what the commands share: flags and help, error messages and
// exit codes, progress.
//
// # Rules
//
//   - stdout carries results and nothing else; progress and messages go to stderr.
//   - A mistake is one line, "vae: error: …", and what to do about it another,
//     "vae: hint: …". Names that are unknown come with the nearest known one.
//   - Exit codes: 0 done, 1 failed, 2 usage, 130 interrupted after saving.
//   - -h and -version print to stdout and exit with 0.
//   - The first Ctrl-C asks the command to save and end, the second kills it.
//   - Progress is one live line on a terminal and a log line now and then
//     elsewhere. No colour is used, so that NO_COLOR holds by itself.
//
// A command is
//
//	func main() { os.Exit(cli.Main("vae", run)) }
//
//	func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
//		cmd := cli.Command{Name: "vae", Flags: flag.NewFlagSet("vae", flag.ContinueOnError), …}
//		cmd.Flags.Float64Var(&cfg.LR, "lr", 1e-3, "learning `rate`")
//		if err := cmd.Parse(args, stdout); err != nil {
//			return err
//		}
//		…
//	}
package cli
