package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

//go:embed peer.py
var peerSource string

// peer is a Python process that does the same work in PyTorch. It gets one JSON object a line and answers with one.
type peer struct {
	version string
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
}

// work describes what the peer does: the kind names a function of peer.py, the rest are its arguments.
type work map[string]any

func startPeer(ctx context.Context, python string) (*peer, error) {
	cmd := exec.CommandContext(ctx, python, "-c", peerSource)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &peer{cmd: cmd, in: in, out: bufio.NewScanner(out)}
	if !p.out.Scan() {
		cmd.Wait()
		lines := strings.Split(strings.TrimSpace(complaints.String()), "\n")
		return nil, errors.New(lines[len(lines)-1])
	}
	p.version = p.out.Text()
	return p, nil
}

// start prepares the work under every setting, times each once after a warm-up, and returns a function that repeats it
// under the fastest: milliseconds per unit.
func (p *peer) start(w work) (repeat func() (float64, error), settings string, err error) {
	var ready struct{ Settings string }
	if err := p.ask(work{"prepare": w}, &ready); err != nil {
		return nil, "", err
	}
	return func() (float64, error) {
		var answer struct{ Ms float64 }
		err := p.ask(work{"repeat": true}, &answer)
		return answer.Ms, err
	}, ready.Settings, nil
}

func (p *peer) ask(question work, answer any) error {
	line, err := json.Marshal(question)
	if err != nil {
		return err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return err
	}
	if !p.out.Scan() {
		return fmt.Errorf("the Python process ended: %v", p.cmd.Wait())
	}
	return json.Unmarshal(p.out.Bytes(), answer)
}

func (p *peer) close() {
	p.in.Close()
	p.cmd.Wait()
}
