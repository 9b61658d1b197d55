package pipeline_test

import (
	"reflect"
	"slices"
	"testing"

	"penstock/internal/core/pipeline"
)

func TestArtifactKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pipeline, artifact string
		zip                bool
		want               string
	}{
		{"orders-service-deployment", "SourceArtifact", true, "orders-service-deplo/SourceArti/Sf8wRtG.zip"},
		{"meerkat", "BuildArtifact", false, "meerkat/BuildArtif/Sf8wRtG"},
		{"exactly-twenty-chars", "exactly-10", false, "exactly-twenty-chars/exactly-10/Sf8wRtG"},
	} {
		if got := pipeline.ArtifactKey(c.pipeline, c.artifact, "Sf8wRtG", c.zip); got != c.want {
			t.Errorf("key = %s, want %s", got, c.want)
		}
	}
}

func TestStoreFor(t *testing.T) {
	t.Parallel()
	one := valid()
	if s, ok := pipeline.StoreFor(one, region); !ok || s.Bucket != "artifacts" {
		t.Errorf("single store: %v, %t", s, ok)
	}
	many := valid()
	many.ArtifactStore, many.ArtifactStores = nil, map[string]pipeline.ArtifactStore{region: {Bucket: "a"}, other: {Bucket: "b"}}
	if s, ok := pipeline.StoreFor(many, other); !ok || s.Bucket != "b" {
		t.Errorf("second region: %v, %t", s, ok)
	}
	if s, ok := pipeline.StoreFor(many, "ap-south-1"); ok {
		t.Errorf("unknown region: %v", s)
	}
}

func TestLookups(t *testing.T) {
	t.Parallel()
	d := valid()
	if got := d.StageIndex("Approve"); got != 2 {
		t.Errorf("StageIndex = %d", got)
	}
	if got := d.StageIndex("approve"); got != -1 {
		t.Errorf("StageIndex of another case = %d", got)
	}
	if d.Stage("Build") != &d.Stages[1] || d.Stage("Nobody") != nil {
		t.Error("Stage")
	}
	if d.Stages[1].Action("Compile") != &d.Stages[1].Actions[0] || d.Stages[1].Action("Ship") != nil {
		t.Error("Action")
	}
	if s, a := d.Producer("Bin"); s != &d.Stages[1] || a != &d.Stages[1].Actions[0] {
		t.Errorf("Producer = %v, %v", s, a)
	}
	if s, a := d.Producer("Lost"); s != nil || a != nil {
		t.Errorf("Producer of nobody's artifact = %v, %v", s, a)
	}
	s := pipeline.Stage{Actions: []pipeline.Action{{RunOrder: 9}, {RunOrder: 2}, {RunOrder: 9}, {RunOrder: 3}}}
	if got := s.RunOrders(); !slices.Equal(got, []int{2, 3, 9}) {
		t.Errorf("RunOrders = %v", got)
	}
}

// Clone must copy whatever the declaration grows: every slice, map and pointer
// of a fully filled value has to be another one in the copy.
func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	d := &pipeline.Declaration{}
	fill(reflect.ValueOf(d).Elem())
	c := d.Clone()
	if !reflect.DeepEqual(d, c) {
		t.Fatalf("clone differs:\n%+v\n%+v", d, c)
	}
	noShared(t, "Declaration", reflect.ValueOf(*d), reflect.ValueOf(*c))

	empty := (&pipeline.Declaration{Stages: []pipeline.Stage{}, Triggers: nil}).Clone()
	if empty.Stages == nil || empty.Triggers != nil {
		t.Errorf("nil and empty got mixed up: %#v", empty)
	}
	if (*pipeline.Declaration)(nil).Clone() != nil {
		t.Error("clone of nil")
	}
}

// fill sets every field below v to something that is not empty.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.String:
		v.SetString("x")
	case reflect.Int:
		v.SetInt(1)
	default:
		panic("no value for " + v.Kind().String())
	}
}

func noShared(t *testing.T, path string, a, b reflect.Value) {
	t.Helper()
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			noShared(t, path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	case reflect.Slice, reflect.Map, reflect.Pointer:
		if a.Pointer() == b.Pointer() {
			t.Errorf("%s is shared", path)
			return
		}
		switch a.Kind() {
		case reflect.Slice:
			noShared(t, path+"[0]", a.Index(0), b.Index(0))
		case reflect.Map:
			for _, k := range a.MapKeys() {
				noShared(t, path+"[x]", a.MapIndex(k), b.MapIndex(k))
			}
		default:
			noShared(t, path+".*", a.Elem(), b.Elem())
		}
	}
}
