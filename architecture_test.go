package relaxgo_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// forbidden lists packages and what they must not depend on, directly or not; a path stands for all below it.
var forbidden = []struct {
	from string
	to   []string
}{
	{"relaxgo/relax", []string{"relaxgo/data", "relaxgo/vae", "relaxgo/rl", "relaxgo/plots", "relaxgo/internal/program", "relaxgo/internal/nn", "relaxgo/internal/optim", "relaxgo/internal/run", "relaxgo/internal/cli"}},
	{"relaxgo/relax/noise", []string{"gorgonia.org/"}},
	{"relaxgo/relax/estimator", []string{"relaxgo/data", "relaxgo/vae", "relaxgo/rl", "relaxgo/plots", "relaxgo/internal/program", "relaxgo/internal/nn", "relaxgo/internal/optim", "relaxgo/internal/run", "relaxgo/internal/cli"}},
	{"relaxgo/relax/estimator/meter", []string{"relaxgo/data", "relaxgo/vae", "relaxgo/rl", "relaxgo/plots", "relaxgo/internal/run", "relaxgo/internal/cli"}},
	{"relaxgo/relax/estimator/study", []string{"relaxgo/data", "relaxgo/vae", "relaxgo/rl", "relaxgo/plots", "relaxgo/internal/run", "relaxgo/internal/cli"}},
	{"relaxgo/rl", []string{"relaxgo/plots", "relaxgo/vae", "relaxgo/internal/cli"}},
	{"relaxgo/data", []string{"gorgonia.org/", "relaxgo/relax", "relaxgo/vae"}},
	{"relaxgo/plots", []string{"gorgonia.org/", "relaxgo/vae", "relaxgo/rl", "relaxgo/relax"}},
	{"relaxgo/vae", []string{"relaxgo/plots", "relaxgo/rl", "relaxgo/internal/cli"}},
	{"relaxgo/rl/env", []string{"gorgonia.org/", "gonum.org/", "relaxgo/internal/program"}},
	{"relaxgo/rl/returns", []string{"gorgonia.org/", "gonum.org/", "relaxgo/internal/program"}},
	{"relaxgo/bridge", []string{"gorgonia.org/", "relaxgo/relax", "relaxgo/internal/program"}},
	{"relaxgo/internal/op", []string{"relaxgo/relax", "relaxgo/data", "relaxgo/internal/autodiff", "relaxgo/internal/program"}},
	{"relaxgo/internal/autodiff", []string{"relaxgo/relax", "relaxgo/internal/program"}},
	{"relaxgo/internal/program", []string{"relaxgo/relax", "relaxgo/internal/nn", "relaxgo/internal/autodiff"}},
	{"relaxgo/internal/optim", []string{"gorgonia.org/"}},
	{"relaxgo/internal/kernel", []string{"gorgonia.org/"}},
	{"relaxgo/internal/run", []string{"gorgonia.org/", "gonum.org/"}},
	{"relaxgo/internal/cli", []string{"gorgonia.org/", "gonum.org/"}},
}

func TestImportsFollowTheDesign(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Deps " "}}`, "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg, deps := fields[0], fields[1:]
		for _, rule := range forbidden {
			if pkg != rule.from {
				continue
			}
			for _, dep := range deps {
				for _, bad := range rule.to {
					if dep == bad || strings.HasPrefix(dep, strings.TrimSuffix(bad, "/")+"/") {
						t.Errorf("%s depends on %s, which the design keeps away from it", pkg, dep)
					}
				}
			}
		}
	}
}

// The exported declarations of public packages may use internal packages, but never name their types.
func TestPublicAPINamesNoInternalType(t *testing.T) {
	err := filepath.WalkDir(".", func(dir string, entry os.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if name := entry.Name(); slices.Contains([]string{"internal", "cmd", "testdata", "results"}, name) || strings.HasPrefix(name, ".") && dir != "." {
			return filepath.SkipDir
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return err
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				checkExported(t, file)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkExported(t *testing.T, file string) {
	t.Helper()
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	internal := make(map[string]bool) // names under which the file imports internal packages
	for _, imp := range tree.Imports {
		p, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p, "relaxgo/internal/") {
			name := path.Base(p)
			if imp.Name != nil {
				name = imp.Name.Name
			}
			internal[name] = true
		}
	}
	check := func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && internal[x.Name] {
					t.Errorf("%v: an exported declaration names %s.%s of an internal package", fset.Position(n.Pos()), x.Name, sel.Sel.Name)
				}
			}
			return true
		})
	}
	for _, decl := range tree.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || exportedReceiver(d.Recv)) {
				check(d.Type)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() {
						if fields, ok := s.Type.(*ast.StructType); ok {
							for _, f := range fields.Fields.List {
								if len(f.Names) == 0 || slices.ContainsFunc(f.Names, (*ast.Ident).IsExported) {
									check(f.Type)
								}
							}
							continue
						}
						check(s.Type)
					}
				case *ast.ValueSpec:
					if slices.ContainsFunc(s.Names, (*ast.Ident).IsExported) && s.Type != nil {
						check(s.Type)
					}
				}
			}
		}
	}
}

func exportedReceiver(recv *ast.FieldList) bool {
	exported := false
	ast.Inspect(recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.IsExported() {
			exported = true
		}
		return true
	})
	return exported
}
