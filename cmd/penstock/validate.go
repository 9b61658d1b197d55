package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"penstock/internal/core/actiontype"
	"penstock/internal/declfile"
)

// validated is the outcome for a file, as --output json prints it.
type validated struct {
	File      string              `json:"file"`
	Pipelines []validatedPipeline `json:"pipelines"`
	Error     string              `json:"error,omitempty"` // the file could not be read
}

type validatedPipeline struct {
	Name     string             `json:"name"`
	Resource string             `json:"resource,omitempty"` // of a template
	Valid    bool               `json:"valid"`
	Problems []declfile.Problem `json:"problems"`
}

// declarationFlags are what a declaration is checked against.
type declarationFlags struct {
	types   []string
	unknown bool
}

func (d *declarationFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&d.types, "action-type", nil, "`FILE` with the input of create-custom-action-type or update-action-type, or a list of such (repeatable)")
	flags.BoolVar(&d.unknown, "allow-unknown-types", false, "accept custom and partner action types that no --action-type describes")
}

// options reads the files that the flags name.
func (c *cli) options(cmd *cobra.Command, d *declarationFlags) (declfile.Options, error) {
	o := declfile.Options{Region: c.server.Region, AllowUnknownTypes: d.unknown}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	for _, file := range d.types {
		data, err := os.ReadFile(file)
		var types []actiontype.Type
		if err == nil {
			types, err = declfile.ReadTypes(data)
		}
		if err != nil {
			return o, usage(cmd, "--action-type %s: %v", file, err)
		}
		o.Types = append(o.Types, types...)
	}
	return o, nil
}

func (c *cli) validateCommand() *cobra.Command {
	var d declarationFlags
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check declarations of pipelines without a server",
		Long: `Validate checks declarations by the rules of CreatePipeline and reports all
problems at once, each with its line, its place, the rule and a hint. It needs no
server. A FILE, or - for standard input, is JSON or YAML and holds

  the input of aws codepipeline create-pipeline, or the output of get-pipeline;
  a bare declaration;
  a CloudFormation template: each AWS::CodePipeline::Pipeline of it is checked.
  Parameters have their defaults; what only a deployment knows is not checked.

Custom and partner action types are not known here: describe them with
--action-type, or accept them all with --allow-unknown-types. --region is the
pipeline's own region, us-east-1 when it is not given.

Exit status: 0 all declarations are good; 1 there are problems; 2 wrong usage, or
a file that cannot be read or holds no declaration.`,
		Example: `  penstock validate pipeline.json
  penstock validate --region eu-west-1 --action-type lint.json pipelines/*.yaml
  aws codepipeline get-pipeline --name web | penstock validate -`,
		Args: arguments(1, 1<<20, "a FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := c.options(cmd, &d)
			if err != nil {
				return err
			}
			return c.validate(cmd, args, o)
		},
	}
	d.add(cmd)
	return cmd
}

func (c *cli) validate(cmd *cobra.Command, files []string, o declfile.Options) error {
	var all []validated
	problems, unread := 0, 0
	for _, file := range files {
		v := validated{File: file, Pipelines: []validatedPipeline{}}
		docs, err := readDeclarations(cmd, file, o)
		if err != nil {
			v.Error = err.Error()
			unread++
		}
		for _, doc := range docs {
			p := validatedPipeline{Name: doc.Pipeline.Name, Resource: doc.Resource, Problems: doc.Problems}
			if p.Problems == nil {
				p.Problems = []declfile.Problem{}
			}
			p.Valid = len(p.Problems) == 0
			problems += len(p.Problems)
			v.Pipelines = append(v.Pipelines, p)
		}
		all = append(all, v)
	}
	if err := c.printValidated(cmd.OutOrStdout(), all, problems+unread == 0); err != nil {
		return err
	}
	switch {
	case unread > 0:
		return &failure{exitUsage, count(unread, "file") + " could not be read as declarations", ""}
	case problems > 0:
		return &failure{exitFailure, count(problems, "problem"), ""}
	}
	return nil
}

func (c *cli) printValidated(w io.Writer, all []validated, valid bool) error {
	if c.json() {
		return printJSONLine(w, struct {
			Valid bool        `json:"valid"`
			Files []validated `json:"files"`
		}{valid, all})
	}
	for _, v := range all {
		if v.Error != "" {
			fmt.Fprintf(w, "%s: %s\n", v.File, clean(v.Error))
		}
		for _, p := range v.Pipelines {
			if p.Valid {
				fmt.Fprintf(w, "%s: %s: no problems\n", v.File, clean(p.Name))
				continue
			}
			fmt.Fprintf(w, "%s: %s: %s\n", v.File, clean(p.Name), count(len(p.Problems), "problem"))
			printProblems(w, v.File, p.Problems)
		}
	}
	return nil
}

// printProblems prints problems so that editors find their places.
func printProblems(w io.Writer, file string, problems []declfile.Problem) {
	for _, p := range problems {
		where := clean(p.Path)
		if where == "" {
			where = "the declaration"
		}
		fmt.Fprintf(w, "%s:%d: %s: %s\n", file, p.Line, where, p.Rule)
		for line := range strings.SplitSeq(p.Message, "\n") {
			fmt.Fprintf(w, "    %s\n", clean(line))
		}
		if p.Hint != "" {
			fmt.Fprintf(w, "    Hint: %s\n", clean(p.Hint))
		}
	}
}

// readDeclarations reads a file, or standard input for "-".
func readDeclarations(cmd *cobra.Command, file string, o declfile.Options) ([]declfile.Document, error) {
	var data []byte
	var err error
	if file == "-" {
		data, err = io.ReadAll(cmd.InOrStdin())
	} else {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	return declfile.Read(data, o)
}

// count is a number with its noun.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
