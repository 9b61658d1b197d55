package control

import (
	"context"
	"time"

	"penstock/internal/auth"
	"penstock/internal/store"
)

// ListNodesOutput lists the servers that share the database, the one that
// started first at the top.
type ListNodesOutput struct {
	Nodes []Node `json:"nodes"`
}

// Node is a server, with how long ago it was heard of.
type Node struct {
	store.Node
	SilentSeconds float64 `json:"silentSeconds"`
}

func (s *Service) listNodes(ctx context.Context, who auth.Principal, _ *struct{}) (*ListNodesOutput, error) {
	if err := operatorOnly(who, "ListNodes"); err != nil {
		return nil, err
	}
	list, err := s.Store.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	out := &ListNodesOutput{Nodes: []Node{}}
	for _, n := range list {
		out.Nodes = append(out.Nodes, Node{n, n.Silent.Round(time.Millisecond).Seconds()})
	}
	return out, nil
}
